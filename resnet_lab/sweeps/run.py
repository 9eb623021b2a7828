"""Runs a whole experiment: which trials are still to do, in which order, and what becomes of each."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from .. import engines
from ..base import hardware
from ..base.errors import LabError
from ..base.files import read_json, write_json
from ..base.other_load import OtherLoad
from ..data import DATASETS, Source
from ..results.design import keep
from ..results.store import Store, claim
from ..results.trial_folder import CONFIG, DONE, RESULT, begin_fresh, is_cut_off, replace_by_fresh
from ..specs.data import DataSpec
from ..specs.experiment import Experiment
from ..training.checkpoint import CHECKPOINT
from ..training.provenance import now, where
from ..training.trial import Place, Trial
from . import comparison, matched
from .executors import Ended, Executor, Work
from .executors.local import Local
from .plan import duplicate_message, plan
from .progress import Progress

if TYPE_CHECKING:
    import pandas as pd


def run(
    experiment: Experiment,
    results: Path,
    progress: Progress,
    *,
    device: str | None = None,
    fresh: bool = False,
    prune: bool = False,
    threads: int | None = None,
    executor: Executor | None = None,
) -> pd.DataFrame:
    """Run the trials that have no result yet; a failed or interrupted one counts as having none.

    Args:
        experiment: what `specs.experiment.load` gave.
        results: the experiment's own folder; made if missing.
        progress: where the sweep is shown.
        device: a device in place of the experiment's.
        fresh: run every trial anew; an older result stays until the new one is whole.
        prune: first remove the trials in the folder that do not belong to the experiment.
        threads: how many CPU threads a trial uses; where None, what OMP_NUM_THREADS says, or one for each core.
        executor: where the trials run; on this machine, one at a time, if left out.

    Returns:
        One row for each trial of the experiment, in its order.

    Raises:
        LabError: An engine cannot run here, a device is not there, another run writes to `results`, or `results` holds
            another experiment or cannot be written.
    """
    others = OtherLoad()
    comparison.check_metric(experiment)
    planned = plan(experiment, device, results)
    for pair in planned.duplicates:
        progress.note(duplicate_message(*pair))
    if "auto" in experiment.spec.engine:
        progress.note("engine auto: {} ({})".format(*engines.choose("auto")))
    for note in planned.notes:
        progress.note(note)
    names = dict.fromkeys(trial.engine for trial in planned.trials)
    places = {name: _place(name, device, threads, experiment, progress) for name in names}
    for trial in planned.trials:
        _check_precision(trial, places[trial.engine].device, experiment)
    with _written(results):
        claim(results, Path(experiment.document.file))
        for line in matched.write(planned.matched, results):
            progress.note(line)
        labels = {trial.id: trial.labels() for trial in planned.trials}
        store = Store(results, labels, list(experiment.spec.grid))
        for line in store.prune() if prune else []:
            progress.note(line)
        warning = others.warning()
        if warning and any(store.status(trial.id) not in DONE for trial in planned.trials):
            progress.note(warning)
        trials = comparison.ordered(planned.trials, experiment)
        keep(results, comparison.design(trials, experiment))
        sweep = _Sweep(experiment, store, progress, executor or Local(threads), places, fresh)
        if experiment.spec.auto:
            return comparison.run_auto(sweep.run, trials, experiment, progress)
        return sweep.run(trials)


_UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOENT)


@contextmanager
def _written(results: Path) -> Iterator[None]:
    """Hold the results folder for this run alone; a failure to write there becomes one message."""
    try:
        results.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(results, error) from None
    try:
        with FileLock(results / ".lock", timeout=0):
            yield
    except Timeout:
        raise LabError(
            f"another run is writing to {results}; wait for it, or name another folder with --results"
        ) from None
    except OSError as error:
        elsewhere = error.filename is not None and not Path(error.filename).resolve().is_relative_to(results.resolve())
        if error.errno not in _UNWRITABLE or elsewhere:
            raise
        raise _unwritable(results, error) from None


def _unwritable(results: Path, error: OSError) -> LabError:
    return LabError(
        f"the results folder {results} cannot be written: {error.strerror}; "
        "what has finished is kept, and --results names another folder"
    )


def _place(name: str, asked: str | None, threads: int | None, experiment: Experiment, progress: Progress) -> Place:
    """Where an engine runs; `asked` is the device that the command line names, before the experiment's."""
    threads = threads or hardware.threads_in_use()
    engine = engines.get(name)
    problem = engine.problem()
    if problem:
        raise experiment.document.error(("engine",), f"the engine '{name}' cannot run here: {problem}")
    try:
        device, why = engine.device(asked or experiment.spec.device)
    except LabError as error:
        raise error.at(*(("--device", None) if asked else experiment.document.mark(("device",)))) from None
    try:
        way, because = engine.compiling(experiment.spec.compile, device)
    except LabError as error:
        raise error.at(*experiment.document.mark(("compile",))) from None
    progress.note(f"{name} {engine.version()} on {device} ({why}), compile {way} ({because}), {threads} thread(s)")
    return Place(device, way, threads)


def _check_precision(trial: Trial, device: str, experiment: Experiment) -> None:
    try:
        engines.get(trial.engine).check_precision(trial.precision, device)
    except LabError as error:
        path = ("grid", "precision") if "precision" in trial.swept else ("precision",)
        raise error.at(*experiment.document.mark(path)) from None


@dataclass
class _Sweep:
    """The trials of one experiment on one executor."""

    experiment: Experiment
    store: Store
    progress: Progress
    executor: Executor
    places: dict[str, Place]
    fresh: bool
    _before: dict[str, tuple[int | None, str]] = field(default_factory=dict)
    """For each trial that runs: when its result was last written, and when it began."""
    _kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Rows of trials that were run anew and failed. The store keeps their older rows."""
    _begun: set[str] = field(default_factory=set)
    """The trials that this run has begun; none is begun twice, even if it failed."""

    def run(self, trials: tuple[Trial, ...]) -> pd.DataFrame:
        """Run the trials that are to do; returns one row for each of `trials`."""
        store, progress = self.store, self.progress
        todo = [trial for trial in trials if trial.id not in self._begun and self._is_to_do(trial)]
        for note in store.notes:
            progress.note(note)
        store.notes.clear()
        for trial in trials:
            self._mend_config(trial)
        self._fetch(todo)
        self._note_missing_curves([trial for trial in trials if not self.fresh and store.status(trial.id) in DONE])
        progress.begin(self.experiment.name, len(trials), len(trials) - len(todo), todo)
        waiting, running = deque(todo), 0
        try:
            while waiting or running:
                while waiting and running < self.executor.capacity:
                    self._start(waiting.popleft())
                    running += 1
                report = self.executor.next()
                if isinstance(report, Ended):
                    self._take(report)
                    running -= 1
                else:
                    progress.event(report.work.trial, report.content)
        finally:
            self.executor.stop()
        progress.end()
        return self._table(trials)

    def _is_to_do(self, trial: Trial) -> bool:
        return self.fresh or self.store.status(trial.id) not in DONE

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

    def _start(self, trial: Trial) -> None:
        """Begin a trial: where it has a result already, in a folder beside, so that the result stays until then."""
        self._begun.add(trial.id)
        folder = self._folder(trial)
        if self.store.status(trial.id) in DONE:
            folder = begin_fresh(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if self.fresh:
            (folder / CHECKPOINT).unlink(missing_ok=True)
        write_json(folder / CONFIG, trial.to_json())
        self.progress.trial(trial)
        self._before[trial.id] = _written_at(folder / RESULT), now()
        measure = self.experiment.spec.measure
        self.executor.start(Work(trial, folder, self.places[trial.engine], measure, hardware.revision()))

    def _take(self, end: Ended) -> None:
        """Take up the result of a trial; a worker that died without one gets the result that says so."""
        trial, path = end.work.trial, end.work.folder / RESULT
        before, started = self._before.pop(trial.id)
        if _written_at(path) == before:
            packages = engines.get(trial.engine).packages
            place = where(end.work.place, end.work.revision, packages, started)
            death = {"status": end.status or "failed", "reason": end.reason or "the worker left no result"}
            write_json(path, trial.labels() | death | place)
        beside = end.work.folder != self._folder(trial)
        if beside and read_json(path)["status"] not in DONE:
            row = self._kept[trial.id] = {**read_json(path), "stale": False}
            self.progress.result(trial, row)
            self.progress.note(f"the older result of {trial.id} is kept; the failed training is in {end.work.folder}")
            return
        if beside:
            replace_by_fresh(self._folder(trial))
        self.progress.result(trial, self.store.add(trial.id))
        for note in self.store.notes:
            self.progress.note(note)
        self.store.notes.clear()

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
