"""Estimates how long a sweep still takes, from the time that its epochs have taken so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..results.time_left import in_words, seconds_left
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
        self._left = sum(trial.train.epochs * self._cost[trial.id] for trial in trials)
        self._done = 0

    def resumed(self, trial: Trial, epochs: int) -> None:
        """Take note that an earlier run has trained some epochs of a trial already."""
        self._set(trial, epochs)

    def trained(self, trial: Trial, epoch: int) -> None:
        """Take note of the end of an epoch, counted from 1; the last epoch also for a trial that ended before it."""
        self._done += self._set(trial, epoch)

    def _set(self, trial: Trial, epoch: int) -> int:
        """Set the number of finished epochs of a trial; returns the work of the epochs that were open before."""
        if trial.id not in self._epochs_left:
            return 0
        left = trial.train.epochs - epoch
        work = (self._epochs_left[trial.id] - left) * self._cost[trial.id]
        self._epochs_left[trial.id] = left
        self._left -= work
        return work

    def __str__(self) -> str:
        """The estimate in words, such as `about 3 min left`; empty before the first epoch and after the last."""
        return in_words(seconds_left(self._clock() - self._start, self._done, self._left))
