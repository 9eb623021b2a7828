"""Measure throughput: warm up until the times settle, wait for the device, report percentiles."""

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
"""The warm-up ends when the times of two successive calls differ by less than this fraction."""


def measure(call: Callable[[], object], *, warmups: int = 8, calls: int = 50, seconds: float = 2.0) -> list[float]:
    """Time the calls of a function, which must return only when the device has finished.

    Args:
        call: the function.
        warmups: the largest number of calls that are made before the measurement, until their times settle.
        calls: the largest number of calls that are timed.
        seconds: the measurement ends after this time, but not before five calls are timed.

    Returns:
        The seconds of each call.
    """
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
    """Compute images per second.

    Args:
        times: the seconds of each step; a step processes one batch.
        images: the number of images in a batch.
        name: the beginning of the columns' names.

    Returns:
        The columns `NAME_images_per_s` (the median), `NAME_images_per_s_p10` and `NAME_images_per_s_p90` (the 10th and
        the 90th percentile).
    """
    per_second = images / np.asarray(times)
    low, middle, high = (float(value) for value in np.percentile(per_second, [10, 50, 90]))
    return {f"{name}_images_per_s": middle, f"{name}_images_per_s_p10": low, f"{name}_images_per_s_p90": high}


def speeds(model: Model, batch: Batch, rate: float, training: bool = True) -> dict[str, Any]:
    """Measure a trained model on one batch, again and again, so that data loading takes no part.

    The training steps change the model's weights: save them first.

    Args:
        model: the model, prepared for training.
        batch: images, (batch, C, H, W), and their labels.
        rate: the learning rate of the training steps.
        training: whether to measure training steps, too.

    Returns:
        The columns `compute_images_per_s` (training steps), `infer_images_per_s` (inference) and `latency_ms`
        (inference of a single image, in milliseconds); each with its 10th and 90th percentile as `_p10` and `_p90`.
    """
    images, _ = batch
    columns: dict[str, Any] = rates(step_times(model, batch, rate), len(images), "compute") if training else {}
    columns |= rates(measure(lambda: model.predict(images), seconds=1.0), len(images), "infer")
    single: Array = images[:1]
    times = np.asarray(measure(lambda: model.predict(single), seconds=0.5)) * 1000
    for suffix, value in zip(("", "_p10", "_p90"), np.percentile(times, [50, 10, 90]), strict=True):
        columns[f"latency_ms{suffix}"] = float(value)
    return columns


def step_times(model: Model, batch: Batch, rate: float, *, seconds: float = 2.0, steps: int = 50) -> list[float]:
    """Time training steps on one batch; between steps the device always has work, as in an epoch.

    Args:
        model: the model, prepared for training.
        batch: images, (batch, C, H, W), and their labels.
        rate: the learning rate.
        seconds: about how long to measure.
        steps: the largest number of steps; at least five are measured.

    Returns:
        The seconds of each step.
    """

    def train(count: int) -> list[float]:
        model.synchronize()
        marks = [time.perf_counter()]
        train_epoch(model, [batch] * count, [rate] * count, 0, lambda images, loss: marks.append(time.perf_counter()))
        return [after - before for before, after in itertools.pairwise(marks)]

    last = float(np.median(train(2)))
    for _ in range(4):
        now = float(np.median(train(2)))
        settled = abs(now - last) < _SETTLED * last
        last = now
        if settled:
            break
    # The first step also fills the pipeline, so its time is left out.
    return train(1 + min(steps, max(5, round(seconds / last))))[1:]
