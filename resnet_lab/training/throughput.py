"""The throughput of a trained model: images per second and latency, with percentiles."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engines.contract import Model
from .epoch import train_epoch
from .timing import measure, settle, stopwatch

if TYPE_CHECKING:
    from ..data.pipeline.feed import Batch
    from ..engines.contract import Array


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
    infer = measure(stopwatch(lambda: model.predict(images)), seconds=1.0)
    columns |= rates(infer.seconds, len(images), "infer")
    single: Array = images[:1]
    latency = measure(stopwatch(lambda: model.predict(single)), seconds=0.5)
    for suffix, percent in (("", 50), ("_p10", 10), ("_p90", 90)):
        columns[f"latency_ms{suffix}"] = 1000 * latency.percentile(percent)
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

    last, _ = settle(lambda: float(np.median(train(2))), most=4)
    # The first step also fills the pipeline, so its time is left out.
    return train(1 + min(steps, max(5, round(seconds / last))))[1:]
