"""Estimates how long a sweep still takes, from the time that its epochs have taken so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..specs.quantities import duration
from ..training.trial import Trial


class TimeLeft:
    """The time that is left, on the assumption that an epoch costs time in proportion to its network's multiply-adds.

    The time of an epoch includes its share of what a trial does besides: it starts a process, reads the data, tests the
    network and measures its throughput. Trials that run side by side need no special treatment.

    Args:
        trials: the trials that are still to run.
        clock: a function that returns the time in seconds.
    """

    def __init__(self, trials: Sequence[Trial], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._start = clock, clock()
        self._cost = {trial.id: trial.graph.macs or trial.graph.params for trial in trials}
        self._epochs_left = {trial.id: trial.train.epochs for trial in trials}
        self._done = 0

    def resumed(self, trial: Trial, epochs: int) -> None:
        """Take note that an earlier run has trained some epochs of a trial already."""
        if trial.id in self._epochs_left:
            self._epochs_left[trial.id] = trial.train.epochs - epochs

    def trained(self, trial: Trial, epoch: int) -> None:
        """Take note of the end of an epoch, counted from 1; the last epoch also for a trial that ended before it."""
        if trial.id in self._epochs_left:
            left = trial.train.epochs - epoch
            self._done += (self._epochs_left[trial.id] - left) * self._cost[trial.id]
            self._epochs_left[trial.id] = left

    def __str__(self) -> str:
        """The estimate in words, such as `about 3 min left`; empty before the first epoch and after the last."""
        left = sum(epochs * self._cost[trial] for trial, epochs in self._epochs_left.items())
        if not left or not self._done:
            return ""
        return f"about {duration((self._clock() - self._start) * left / self._done)} left"
