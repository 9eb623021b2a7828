"""Which trial trains next, and until which epoch: in turn, or by halving (ASHA, Li et al. 2018)."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ..base.errors import LabError
from ..specs.experiment import Experiment
from ..specs.search import HalvingSpec
from ..training.trial import Trial


class Queue(Protocol):
    """The trials that a sweep still has to run."""

    def next(self) -> tuple[Trial, int | None] | None:
        """Take out the next trial, and the epoch after which it stops; None for a training to its end.

        Returns:
            The trial; None if there is nothing to do, at least until a trial that runs has ended.
        """

    def again(self, trial: Trial) -> None:
        """Put back, in front, a trial that was taken out and whose worker died."""

    def ended(self, trial: Trial) -> None:
        """Take note that the result of a trial is in the store."""


class InTurn:
    """Every trial once, to its end, in the given order."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self._waiting = deque(trials)

    def next(self) -> tuple[Trial, int | None] | None:
        """The next trial in the order."""
        return (self._waiting.popleft(), None) if self._waiting else None

    def again(self, trial: Trial) -> None:
        """Put a trial in front."""
        self._waiting.appendleft(trial)

    def ended(self, trial: Trial) -> None:
        """Nothing depends on results here."""


class Halving:
    """Stops most trials early, and trains the best ones on (ASHA, Li et al. 2018, arXiv 1810.05934, Algorithm 2).

    A rung is a number of epochs: `first`, `first * factor`, `first * factor^2`, ..., and all epochs. Whenever there is
    room for a trial, the best trial of the highest possible rung trains on to the next rung, if it is among the best
    1/`factor` of the trials that have reached its rung. If there is no such trial, a new one begins.

    Args:
        spec: the metric, the first rung and the factor.
        trials: the trials; those that have results already take part with these.
        epochs: gives the rows of the epochs that the result of a trial counts.
        status: gives how a trial ended; None where it has no result.
    """

    def __init__(
        self,
        spec: HalvingSpec,
        trials: Sequence[Trial],
        epochs: Callable[[Trial], Sequence[Mapping[str, Any]]],
        status: Callable[[Trial], str | None],
    ) -> None:
        self._spec, self._epochs, self._status = spec, epochs, status
        self._trials = {trial.id: trial for trial in trials}
        self.rungs = _rungs(spec, max((trial.train.epochs for trial in trials), default=0))
        self._scores: list[dict[str, float]] = [{} for _ in self.rungs]
        """For each rung the metric of the trials that have reached it."""
        self._sent: dict[str, int] = {}
        """The highest rung that each trial was sent to in this run."""
        self._again: deque[Trial] = deque()
        for trial in trials:
            self._score(trial, {"diverged"})
        self._waiting = deque(trial for trial in trials if trial.id not in self._scores[0])

    def next(self) -> tuple[Trial, int | None] | None:
        """The best trial that may train on, else a new one."""
        if self._again:
            trial = self._again.popleft()
            return trial, self._until(trial, self._sent[trial.id])
        for rung in reversed(range(len(self.rungs) - 1)):
            for trial in self._best(rung):
                if trial.id not in self._scores[rung + 1] and self._sent.get(trial.id, 0) <= rung:
                    return self._send(trial, rung + 1)
        return self._send(self._waiting.popleft(), 0) if self._waiting else None

    def again(self, trial: Trial) -> None:
        """Put back, in front, a trial whose worker died."""
        self._again.append(trial)

    def ended(self, trial: Trial) -> None:
        """Take the metric of a trial from the store; a trial that failed counts as the worst of its rung."""
        self._score(trial, {"diverged", "failed", "out_of_memory", "timed_out"})

    def _score(self, trial: Trial, worst: set[str]) -> None:
        rows, status = self._epochs(trial), self._status(trial)
        for rung, scores in enumerate(self._scores):
            reached = min(self.rungs[rung], trial.train.epochs)
            if len(rows) >= reached:
                scores[trial.id] = float(rows[reached - 1][self._spec.metric])
            elif status in worst:
                scores[trial.id] = -math.inf
                return

    def _best(self, rung: int) -> list[Trial]:
        """The best 1/`factor` of the trials that have reached a rung, the best first."""
        scores = self._scores[rung]
        ranked = sorted(scores, key=lambda trial: -scores[trial])
        kept = ranked[: len(scores) // self._spec.factor]
        return [self._trials[trial] for trial in kept if scores[trial] > -math.inf]

    def _send(self, trial: Trial, rung: int) -> tuple[Trial, int | None]:
        self._sent[trial.id] = rung
        return trial, self._until(trial, rung)

    def _until(self, trial: Trial, rung: int) -> int | None:
        return self.rungs[rung] if self.rungs[rung] < trial.train.epochs else None


def check(experiment: Experiment, trials: Sequence[Trial], fresh: bool) -> None:
    """Check that the trials of an experiment can be halved.

    Raises:
        LabError: A trial has no validation images, all trials end before the first rung, or trials are to run anew.
    """
    halving = experiment.spec.halving
    if halving is None:
        return
    if fresh:
        raise LabError(
            "--fresh trains every trial to its end, and 'halving' stops most of them: leave out one of the two"
        )
    place = ("search", "halving")
    if any(not trial.data.validation for trial in trials):
        raise experiment.document.error(
            place, "'halving' compares trials by their validation images: put some aside with 'data.validation'"
        )
    if all(trial.train.epochs <= halving.first for trial in trials):
        raise experiment.document.error(
            place, f"'halving' compares trials after {halving.first} epochs for the first time, and no trial has more"
        )


def _rungs(spec: HalvingSpec, epochs: int) -> list[int]:
    """The numbers of epochs after which trials are compared, and all epochs as the last."""
    rungs, rung = list[int](), spec.first
    while rung < epochs:
        rungs.append(rung)
        rung *= spec.factor
    return [*rungs, epochs]
