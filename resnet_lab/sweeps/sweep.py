"""Runs the trials of one experiment on an executor: which are to do, in which order, and what becomes of each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import engines
from ..base import hardware
from ..base.errors import LabError
from ..base.files import read_json, write_json
from ..data import DATASETS, Source
from ..results.store import Store
from ..results.trial_folder import CONFIG, DONE, RESULT, STOPPED, begin_fresh, has_result, is_cut_off, replace_by_fresh
from ..specs.data import DataSpec
from ..specs.experiment import Experiment
from ..specs.quantities import duration
from ..specs.search import HalvingSpec
from ..training.checkpoint import CHECKPOINT
from ..training.provenance import now, where
from ..training.trial import Place, Trial
from .executors import Ended, Event, Executor, Work
from .halving import Halving, InTurn, Queue
from .progress import Progress

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Sweep:
    """The trials of one experiment on one executor.

    Args:
        experiment: the experiment, with its limits.
        store: the results.
        progress: where the sweep is shown.
        executor: where the trials run.
        places: the place of the trials of each engine.
        fresh: run every trial anew; an older result stays until the new one is whole.
        clock: the time in seconds.
    """

    experiment: Experiment
    store: Store
    progress: Progress
    executor: Executor
    places: dict[str, Place]
    fresh: bool = False
    clock: Callable[[], float] = time.monotonic

    _works: dict[str, Work] = field(default_factory=dict)
    """What each trial that this run has begun was given; none is begun twice, even if it failed."""
    _shown: set[str] = field(default_factory=set)
    """The trials whose beginning was shown."""
    _before: dict[str, tuple[int | None, str]] = field(default_factory=dict)
    """For each trial that runs: when its result was last written, and when it began."""
    _kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Rows of trials that were run anew and failed. The store keeps their older rows."""
    _crashes: dict[str, int] = field(default_factory=dict)
    """How often the worker of a trial has died in this run."""
    _deadlines: dict[str, float] = field(default_factory=dict)
    """When the time of each trial is over that uses its share of a machine."""
    _late: set[str] = field(default_factory=set)
    """The trials whose time was over, and which the executor is ending."""

    def __post_init__(self) -> None:
        self.limits = self.experiment.spec.limits
        self._end = math.inf if self.limits.sweep is None else self.clock() + self.limits.sweep

    @property
    def is_over(self) -> bool:
        """Whether the time of the whole sweep is over; then no trial begins any more."""
        return self.clock() >= self._end

    def run(self, trials: tuple[Trial, ...], halving: HalvingSpec | None = None) -> pd.DataFrame:
        """Run the trials that are to do.

        Args:
            trials: the trials.
            halving: when trials are stopped before their last epoch; None to train every trial to its end.

        Returns:
            One row for each of `trials`. A trial for which the time of the sweep did not suffice is `timed_out` there,
            and has no row in the store.
        """
        todo = [trial for trial in trials if trial.id not in self._works and self._is_to_do(trial)]
        self._show_notes()
        for trial in trials:
            self._mend_config(trial)
        self._fetch(todo)
        self._note_missing_curves([trial for trial in trials if not self.fresh and self._is_done(trial)])
        self.progress.begin(
            self.experiment.name, len(trials), len(trials) - len(todo), todo, at_once=self.executor.capacity
        )
        queue: Queue = InTurn(todo)
        if halving is not None:
            queue = Halving(halving, trials, lambda trial: self.store.epochs(trial.id), self._status)
        running = 0
        while not self.is_over:
            while running < self.executor.capacity and (chosen := queue.next()) is not None:
                self._start(*chosen)
                running += 1
            if not running:
                break
            report = self.executor.next(self._patience())
            if isinstance(report, Event):
                self._pass_on(report)
            elif isinstance(report, Ended):
                running -= 1
                if self._is_tried_again(report):
                    queue.again(report.work.trial)
                else:
                    self._take(report)
                    queue.ended(report.work.trial)
            self._end_late_trials()
        if running or (self.is_over and queue.next() is not None):
            self.executor.stop()
            for trial in todo:
                if self._status(trial) not in (*DONE, STOPPED) and trial.id not in self._kept:
                    self._kept[trial.id] = self._cut_off(trial)
        self.progress.end()
        return self._table(trials)

    def _status(self, trial: Trial) -> str | None:
        return self.store.status(trial.id)

    def _is_done(self, trial: Trial) -> bool:
        return self._status(trial) in DONE

    def _is_to_do(self, trial: Trial) -> bool:
        return self.fresh or not self._is_done(trial)

    def _show_notes(self) -> None:
        """Show what the store has to say about damaged files, once."""
        for note in self.store.notes:
            self.progress.note(note)
        self.store.notes.clear()

    def _note_missing_curves(self, done: list[Trial]) -> None:
        """Say which trials were finished before the experiment asked for a test after each epoch."""
        missing = [trial for trial in done if trial.train.test_every and not self.store.has_test_curve(trial.id)]
        if missing:
            self.progress.note(
                f"{len(missing)} finished trials were not tested after their epochs, since train.test_every is new; "
                "--fresh trains them again"
            )

    def _folder(self, trial: Trial) -> Path:
        return self.store.folder / "trials" / trial.id

    def _mend_config(self, trial: Trial) -> None:
        """Write the configuration of a finished trial again if its file is cut off."""
        path = self._folder(trial) / CONFIG
        if is_cut_off(path):
            self.progress.note(f"{path} was cut off; it is written again")
            write_json(path, trial.to_json())

    def _fetch(self, todo: list[Trial]) -> None:
        """Have the files of each dataset here and whole before any trial, where a person sees the download."""
        asked = {(trial.data.name, repr(sorted(trial.data.options.items()))): trial.data for trial in todo}
        for data in asked.values():
            _read(data, self.experiment)

    def _start(self, trial: Trial, until: int | None) -> None:
        """Begin a trial, go on with a trial that was stopped, or try it again."""
        if trial.id not in self._works:
            self._works[trial.id] = self._prepared(trial, until)
        self.executor.start(self._works[trial.id])

    def _prepared(self, trial: Trial, until: int | None) -> Work:
        """Make the folder of a trial: beside the trial's own where that has a result, so that the result stays."""
        folder = self._folder(trial)
        if self._is_done(trial):
            folder = begin_fresh(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if self.fresh:
            (folder / CHECKPOINT).unlink(missing_ok=True)
        write_json(folder / CONFIG, trial.to_json())
        # A job of an earlier run that was killed may have ended since this run began; then its result counts.
        before = None if has_result(folder) else _written_at(folder / RESULT)
        self._before[trial.id] = before, now()
        measure, memory = self.experiment.spec.measure, self.limits.memory
        return Work(trial, folder, self.places[trial.engine], measure, hardware.revision(), memory, until)

    def _pass_on(self, report: Event) -> None:
        """Show a report; when a trial starts, its time begins."""
        trial = report.work.trial
        self._show(trial)
        if report.content["event"] != "started":
            self.progress.event(trial, report.content)
        elif self.limits.trial is not None:
            self._deadlines[trial.id] = self.clock() + self.limits.trial

    def _show(self, trial: Trial) -> None:
        """Show that a trial begins, at its first report: in a queue of a cluster it may wait for hours."""
        if trial.id not in self._shown:
            self._shown.add(trial.id)
            self.progress.trial(trial)

    def _patience(self) -> float | None:
        """The seconds until the next limit is reached; None where there is no limit."""
        first = min(self._end, *self._deadlines.values(), math.inf)
        return None if first == math.inf else max(0.0, first - self.clock())

    def _end_late_trials(self) -> None:
        """End each trial whose time is over."""
        for trial in [trial for trial, end in self._deadlines.items() if self.clock() >= end]:
            del self._deadlines[trial]
            self._late.add(trial)
            self.executor.end(trial)

    def _is_tried_again(self, end: Ended) -> bool:
        """Whether a trial whose worker died gets another try; a trial that ended by itself would end so again."""
        trial = end.work.trial
        self._deadlines.pop(trial.id, None)
        if not end.status or trial.id in self._late:
            return False
        self._crashes[trial.id] = self._crashes.get(trial.id, 0) + 1
        if self._crashes[trial.id] > self.limits.retries:
            return False
        self.progress.note(f"{trial.title} ({trial.id}): {end.reason}; it is tried again")
        return True

    def _take(self, end: Ended) -> None:
        """Take up the result of a trial; a worker that died without one gets the result that says so."""
        trial, path = end.work.trial, end.work.folder / RESULT
        self._show(trial)  # a trial whose worker died early has reported nothing
        before, started = self._before.pop(trial.id)
        if _written_at(path) == before:
            packages = engines.get(trial.engine).packages
            place = where(end.work.place, end.work.revision, packages, started)
            write_json(path, trial.labels() | self._death(end) | place)
        beside = end.work.folder != self._folder(trial)
        if beside and read_json(path)["status"] not in DONE:
            row = self._kept[trial.id] = {**read_json(path), "stale": False}
            self.progress.result(trial, row)
            self.progress.note(f"the older result of {trial.id} is kept; the failed training is in {end.work.folder}")
            return
        if beside:
            replace_by_fresh(self._folder(trial))
        self.progress.result(trial, self.store.add(trial.id))
        if self._status(trial) == STOPPED:
            del self._works[trial.id]  # it may be begun once more
        self._show_notes()

    def _death(self, end: Ended) -> dict[str, Any]:
        """The status and the reason of a trial whose worker left no result."""
        trial = end.work.trial.id
        if trial in self._late and self.limits.trial is not None:
            return {
                "status": "timed_out",
                "reason": f"it took longer than {duration(self.limits.trial)}, 'limits.trial'",
            }
        tries = self._crashes.get(trial, 1)
        reason = end.reason or "the worker left no result"
        return {"status": end.status or "failed", "reason": reason + f" (tried {tries} times)" * (tries > 1)}

    def _cut_off(self, trial: Trial) -> dict[str, Any]:
        """The row of a trial that has not ended when the time of the sweep is over."""
        reason = f"the sweep took longer than {duration(self.limits.sweep or 0)}, 'limits.sweep'; the next run goes on"
        return {**trial.labels(), "status": "timed_out", "reason": reason, "stale": False, "started": now()}

    def _table(self, trials: tuple[Trial, ...]) -> pd.DataFrame:
        table = self.store.table(instead=self._kept)
        order = {trial.id: index for index, trial in enumerate(trials)}
        mine = table[table["trial"].isin(list(order))]
        return mine.sort_values("trial", key=lambda ids: ids.map(order)).reset_index(drop=True)


def _read(data: DataSpec, experiment: Experiment) -> None:
    try:
        source: Source = DATASETS.get(data.name)
        source.read(source.check(data.options), data.size)
    except LabError as error:
        raise error.at(*experiment.document.mark(("data", "name"))) from None


def _written_at(path: Path) -> int | None:
    """When a file was last written, in nanoseconds; None where there is no file."""
    return path.stat().st_mtime_ns if path.is_file() else None
