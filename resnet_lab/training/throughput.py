"""Throughput, measured: warm up until the step time settles, wait for the device, take percentiles."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engines.contract import Model
from .epoch import train_epoch

if TYPE_CHECKING:
    from ..data.pipeline.feed import Batch
    from ..engines.contract import Array

_SETTLED = 0.1
"""Warm-up ends when two calls in a row differ by less than this share."""


def measure(call: Callable[[], object], *, warmups: int = 8, calls: int = 50, seconds: float = 2.0) -> list[float]:
    """Seconds of each call; stops after `calls`, or once `seconds` are over and there are five."""
    last = _timed(call)
    for _ in range(warmups):
        now = _timed(call)
        settled = abs(now - last) < _SETTLED * last
        last = now
        if settled:
            break
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < calls and (len(times) < 5 or time.perf_counter() < end):
        times.append(_timed(call))
    return times


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def rates(times: Sequence[float], images: int, name: str) -> dict[str, float]:
    """Images a second as columns: the median as `NAME_images_per_s`, with `_p10` and `_p90`."""
    per_second = images / np.asarray(times)
    low, middle, high = (float(value) for value in np.percentile(per_second, [10, 50, 90]))
    return {f"{name}_images_per_s": middle, f"{name}_images_per_s_p10": low, f"{name}_images_per_s_p90": high}


def speeds(model: Model, batch: Batch, rate: float) -> dict[str, Any]:
    """What a trained model does, apart from data loading: the same batch again and again.

    Changes the model's weights: take what is to be kept before.

    Returns:
        images a second of training steps (`compute`) and of inference (`infer`), and the latency of
        one image in ms, each with its 10th and 90th percentile.
    """
    images, _ = batch
    columns: dict[str, Any] = rates(step_times(model, batch, rate), len(images), "compute")
    columns |= rates(measure(lambda: model.predict(images), seconds=1.0), len(images), "infer")
    single: Array = images[:1]
    times = np.asarray(measure(lambda: model.predict(single), seconds=0.5)) * 1000
    for suffix, value in zip(("", "_p10", "_p90"), np.percentile(times, [50, 10, 90]), strict=True):
        columns[f"latency_ms{suffix}"] = float(value)
    return columns


def step_times(model: Model, batch: Batch, rate: float, *, seconds: float = 2.0, steps: int = 50) -> list[float]:
    """Seconds of each training step on one batch, the device kept busy between steps as in an epoch."""

    def go(count: int) -> list[float]:
        model.synchronize()
        marks = [time.perf_counter()]
        train_epoch(model, [batch] * count, [rate] * count, 0, lambda images, loss: marks.append(time.perf_counter()))
        return [after - before for before, after in itertools.pairwise(marks)]

    last = float(np.median(go(2)))
    for _ in range(4):
        now = float(np.median(go(2)))
        settled = abs(now - last) < _SETTLED * last
        last = now
        if settled:
            break
    # The first step of a run also fills the pipeline, so it is left out.
    return go(1 + min(steps, max(5, round(seconds / last))))[1:]
