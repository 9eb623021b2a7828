"""How far the sweep of a results folder is: which trials are done, run, have failed, or are left.

The plan of the sweep, its lock and the table `trials.csv` say so. The folders of the trials are asked only about
trials that are not in the table. Nothing is written, and neither pandas nor a framework is imported.
"""

from __future__ import annotations

import calendar
import csv
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.errors import LabError
from ..base.files import read_json
from . import lock, plan_file
from .csv_file import TABLE, whole_lines
from .plan_file import PLAN, SweepPlan
from .time_left import seconds_left
from .trial_folder import CONFIG, DONE, EPOCHS, FRESH, RESULT, STOPPED

_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class RunningTrial:
    """A trial that runs now: its id, its title, and how many of its epochs it has trained."""

    trial: str
    title: str
    epoch: int
    epochs: int


@dataclass(frozen=True)
class FailedTrial:
    """A trial that ended without a usable result: its id, its title, how it ended, and why."""

    trial: str
    title: str
    status: str
    reason: str


@dataclass(frozen=True)
class Status:
    """How far a sweep is.

    Attributes:
        experiment: the name of the experiment.
        is_running: whether a sweep runs in the folder now.
        total: the number of trials; with `at_most` the largest number that the verdicts may need.
        at_most: whether the verdicts decide how many of the trials run (`seeds: auto`).
        done: the number of trials with a usable result: `ok` or `diverged`.
        running: the trials that run now.
        failed: the trials that failed; the next run begins them again.
        stopped: the number of trials that `halving` has stopped before their last epoch.
        left: the number of trials that have not begun, or were interrupted.
        seconds_left: the time that the sweep still takes at its speed so far, if an epoch costs time in proportion to
            the multiply-adds; None where nothing has been trained yet by which the speed could be known.
        stale: the number of trials in the table that the experiment no longer asks for.
        revisions: the number of done trials by the git revision of the code that ran them ('' outside git).
    """

    experiment: str
    is_running: bool
    total: int
    at_most: bool
    done: int
    running: Sequence[RunningTrial]
    failed: Sequence[FailedTrial]
    stopped: int
    left: int
    seconds_left: float | None
    stale: int
    revisions: Mapping[str, int]


def status(folder: Path) -> Status:
    """Find out how far the sweep of a results folder is.

    Args:
        folder: the results folder of an experiment.

    Raises:
        LabError: The folder holds no plan of a sweep, or the plan is damaged.
    """
    return _Reader(folder, plan_file.read(folder)).read()


class _Reader:
    """Sorts the trials of a plan by what the folder says about them."""

    def __init__(self, folder: Path, plan: SweepPlan) -> None:
        self._plan, self._is_running = plan, lock.is_held(folder)
        self._rows = _rows(folder / TABLE)
        trials = folder / "trials"
        self._folders = {place.name: place for place in trials.iterdir()} if trials.is_dir() else {}
        self._since = (folder / PLAN).stat().st_mtime_ns
        self._began = time.strftime(_TIME, time.gmtime(plan.began))

    def read(self) -> Status:
        """Look at every trial of the plan once."""
        running, failed, revisions = list[RunningTrial](), list[FailedTrial](), Counter[str]()
        worked = left = waiting = stopped = 0
        for name, trial in self._plan.trials.items():
            result, trained = self._result(name), trial.trained
            if result is not None:
                trained = trial.epochs
                if result["status"] == STOPPED:
                    stopped += 1
                elif result["status"] in DONE:
                    revisions[str(result.get("revision") or "")] += 1
                else:
                    reason = str(result.get("reason") or "")
                    failed.append(FailedTrial(name, trial.title, str(result["status"]), reason))
            elif self._runs(name):
                trained = min(self._epochs(name, trial.trained), trial.epochs)
                running.append(RunningTrial(name, trial.title, trained, trial.epochs))
            else:
                waiting += 1
            worked += max(0, trained - trial.trained) * trial.cost
            left += (trial.epochs - trained) * trial.cost
        return Status(
            experiment=self._plan.experiment,
            is_running=self._is_running,
            total=len(self._plan.trials),
            at_most=self._plan.at_most,
            done=sum(revisions.values()),
            running=running,
            failed=failed,
            stopped=stopped,
            left=waiting,
            seconds_left=seconds_left(self._elapsed(), worked, left),
            stale=sum(row.get("stale") == "True" for row in self._rows.values()),
            revisions=dict(revisions),
        )

    def _result(self, name: str) -> Mapping[str, Any] | None:
        """The row of a trial that has ended, also where the table does not have the row yet; None for other trials."""
        row: Mapping[str, Any] | None = self._rows.get(name)
        place = self._place(name)
        has_begun_again = place is not None and _written(place / RESULT) < _written(place / CONFIG)
        trains_on = row is not None and row["status"] == STOPPED and has_begun_again
        if row is not None and self._counts(row) and not trains_on:
            return row
        if place is None or has_begun_again:
            return None
        row = _read(place / RESULT, dict)
        return row if row and "status" in row and self._counts(row) else None

    def _counts(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is of this sweep, or of an earlier one and this sweep does not run its trial again."""
        if str(row.get("started") or "") >= self._began:
            return True
        return not self._plan.fresh if row["status"] in DONE else not self._is_running

    def _runs(self, name: str) -> bool:
        """Whether a trial without a result runs now: the sweep that runs has written the trial's configuration."""
        place = self._place(name)
        return self._is_running and place is not None and _written(place / CONFIG) >= self._since

    def _epochs(self, name: str, before: int) -> int:
        """The number of epochs that a trial which runs has finished; `before` when the sweep began."""
        place = self._place(name)
        if place is None or _written(place / EPOCHS) < _written(place / CONFIG):
            return before  # the rows of an interrupted training; those behind its checkpoint are trained again
        return len(_read(place / EPOCHS, list) or ())

    def _place(self, name: str) -> Path | None:
        """The folder in which a trial runs or has run last; None if it has none."""
        return self._folders.get(f"{name}{FRESH}") or self._folders.get(name)

    def _elapsed(self) -> float:
        """The seconds for which the sweep has run; of a sweep that was stopped, until the end of its latest trial."""
        if self._is_running:
            return time.time() - self._plan.began
        rows = [row for row in self._rows.values() if str(row.get("started") or "") >= self._began]
        if not rows:
            return 0.0
        last = max(rows, key=lambda row: str(row["started"]))
        try:
            end = calendar.timegm(time.strptime(str(last["started"]), _TIME)) + float(last.get("wall_s") or 0)
        except ValueError:  # a person has edited the table
            return 0.0
        return max(0.0, end - self._plan.began)


def _rows(table: Path) -> dict[str, dict[str, Any]]:
    """The rows of the table of trials by id; rows that are not whole are left out.

    Raises:
        LabError: The file is no table.
    """
    try:
        rows = list(csv.DictReader(whole_lines(table)))
    except csv.Error as error:
        raise LabError(f"is no results table: {error}; the next 'resnet-lab run' writes it again", file=table) from None
    return {row["trial"]: row for row in rows if row.get("trial") and row.get("status")}


def _written(path: Path) -> int:
    """When a file was last written, in nanoseconds since 1970; 0 if there is no file."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _read(path: Path, kind: type) -> Any:
    """The value of a JSON file; None if the file is missing, damaged or of another kind."""
    try:
        value = read_json(path)
    except (OSError, ValueError):
        return None
    return value if isinstance(value, kind) else None
