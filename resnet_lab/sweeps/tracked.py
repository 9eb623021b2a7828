"""Tells the trackers of an experiment what happens in its sweep, beside the progress display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

from ..base.entry import OptionError
from ..base.errors import LabError
from ..results.columns import METRICS
from ..results.trackers import Feed, TrackedTrial, maker
from ..specs.experiment import Experiment
from ..training.trial import Trial
from .progress import Progress

PATIENCE = 60.0
"""The seconds for which the end of a sweep waits for its trackers."""


def tracked(experiment: Experiment, results: Path, progress: Progress) -> Tracked:
    """Begin to track a sweep.

    Args:
        experiment: the experiment, which names the trackers.
        results: its results folder.
        progress: the display, which still shows everything.

    Raises:
        LabError: There is no such tracker, an option is wrong, or the tracker's package is not installed; with the
            line of the experiment.
    """
    makers = {}
    for name, options in experiment.spec.trackers.items():
        try:
            makers[name] = maker(name, options, results)
        except OptionError as error:
            raise error.at(*experiment.document.mark(("trackers", name, error.option or ""))) from None
        except LabError as error:
            raise error.at(*experiment.document.mark(("trackers", name))) from None
    return Tracked(progress, [Feed(name, make) for name, make in makers.items()])


class Tracked:
    """A progress display that also feeds trackers.

    An error of a tracker becomes one note, and the tracker is off; the sweep goes on.
    """

    def __init__(self, progress: Progress, feeds: Sequence[Feed]) -> None:
        self._progress, self._feeds = progress, feeds
        self._open: set[str] = set()

    def note(self, text: str) -> None:
        """Show a line of its own."""
        self._progress.note(text)

    def begin(self, name: str, total: int, done: int, todo: Sequence[Trial] = (), at_once: int = 1) -> None:
        """An experiment begins."""
        self._progress.begin(name, total, done, todo, at_once)

    def trial(self, trial: Trial) -> None:
        """A trial begins, or goes on."""
        self._progress.trial(trial)
        self._begin(trial)

    def event(self, trial: Trial, event: Mapping[str, Any]) -> None:
        """A trial reports something; the figures of an epoch go to the trackers."""
        self._progress.event(trial, event)
        if event["event"] == "epoch":
            self._begin(trial)
            figures = _numbers(event)
            epoch = int(figures.pop("epoch"))
            self._put(lambda tracker: tracker.epoch(trial.id, epoch, figures))

    def result(self, trial: Trial, row: Mapping[str, Any]) -> None:
        """A trial has ended."""
        self._progress.result(trial, row)
        figures = _numbers({name: row[name] for name in METRICS if name in row})
        status, epochs = str(row["status"]), int(row.get("epochs_done") or 0)
        self._begin(trial)
        self._open.discard(trial.id)
        self._put(lambda tracker: tracker.end(trial.id, status, epochs, figures))

    def end(self) -> None:
        """No trial is left."""
        self._progress.end()

    def close(self) -> None:
        """Wait until the trackers have written everything, for a minute at most."""
        for feed in self._feeds:
            feed.close(PATIENCE)
        self._show_problems()

    def _begin(self, trial: Trial) -> None:
        """Begin a trial, or begin it again after `halving` had stopped it."""
        if trial.id not in self._open:
            self._open.add(trial.id)
            shown = TrackedTrial(trial.id, trial.title, trial.labels())
            self._put(lambda tracker: tracker.begin(shown))

    def _put(self, call: Any) -> None:
        for feed in self._feeds:
            feed.put(call)
        self._show_problems()

    def _show_problems(self) -> None:
        for feed in self._feeds:
            if problem := feed.take_problem():
                self._progress.note(f"{problem}; the results folder has everything")


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The values that are numbers."""
    return {
        name: float(value) for name, value in values.items() if isinstance(value, Real) and not isinstance(value, bool)
    }
