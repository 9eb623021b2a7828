"""Measure the time of each training step of an epoch, and report the progress of the epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Emit = Callable[[dict[str, Any]], None]
"""Receives the events of a trial: mappings whose key `event` is `step`, `epoch`, `resumed` or `note`."""

_REPORT_EVERY = 0.1
"""Seconds between two `step` events."""


class StepWatch:
    """Called after each step of one epoch; measures the step's time, and emits at most ten events a second.

    Args:
        epoch: the number of the epoch, from 0; events count from 1.
        steps: the number of steps of the epoch.
        emit: receives the events, with the step, a running mean of the loss and the images per second.

    Attributes:
        times: the seconds of each step so far.
        mean_loss: the exponential moving average of the steps' losses, with a decay of 0.9.
    """

    def __init__(self, epoch: int, steps: int, emit: Emit) -> None:
        self.epoch, self.steps, self.emit = epoch, steps, emit
        self.times: list[float] = []
        self.mean_loss = math.nan
        self._last_step = self._last_report = time.perf_counter()

    def __call__(self, images: int, loss: float) -> None:
        """Record a step that the device has finished: the number of its images, and its loss."""
        now = time.perf_counter()
        self.mean_loss = 0.9 * self.mean_loss + 0.1 * loss if self.times else loss
        self.times.append(now - self._last_step)
        self._last_step = now
        if now - self._last_report > _REPORT_EVERY or len(self.times) == self.steps:
            self._last_report = now
            self.emit(
                {
                    "event": "step",
                    "epoch": self.epoch + 1,
                    "step": len(self.times),
                    "steps": self.steps,
                    "loss": self.mean_loss,
                    "images_per_s": images / float(np.median(self.times[-20:])),
                }
            )
