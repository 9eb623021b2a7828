"""Runs a whole experiment: makes the plan, finds out where each engine runs, and holds the results folder."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from .. import engines
from ..base import hardware
from ..base.errors import LabError
from ..base.other_load import OtherLoad
from ..engines.devices import device_numbers
from ..results import revisions
from ..results.design import keep
from ..results.lock import LOCK
from ..results.store import Store, claim
from ..results.trial_folder import DONE
from ..specs.experiment import Experiment
from ..training.trial import Place, Trial
from . import comparison, halving, matched
from .announce import announce, settle
from .executors import Executor
from .executors.cluster import Cluster, need
from .executors.local import Local
from .executors.slots import Jobs, Slot, divided
from .plan import Plan, duplicate_message, plan
from .progress import Progress
from .sweep import Sweep
from .tracked import tracked

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
    jobs: Jobs = None,
    executor: Executor | None = None,
    warn_if_busy: bool = True,
    cluster: Cluster | None = None,
) -> pd.DataFrame:
    """Run the trials that have no result yet; a failed or interrupted one counts as having none.

    Args:
        experiment: what `specs.experiment.load` gave.
        results: the experiment's own folder; made if missing.
        progress: where the sweep is shown.
        device: a device in place of the experiment's.
        fresh: run every trial anew; an older result stays until the new one is whole.
        prune: first remove the trials in the folder that do not belong to the experiment.
        threads: how many CPU threads a trial uses; where None, what OMP_NUM_THREADS says, or an equal share of the
            cores.
        jobs: how many trials run at once on this machine; see executors/slots.py.
        executor: where the trials run; on this machine if left out.
        warn_if_busy: say so if other programs use the machine; that takes half a second where they do.
        cluster: machines on which the trials run instead; each machine decides what the device `auto` means.

    Returns:
        One row for each trial of the experiment, in its order.

    Raises:
        LabError: An engine cannot run here, a device is not there, another run writes to `results`, or `results` holds
            another experiment or cannot be written.
    """
    others = OtherLoad()
    planned = _planned(experiment, device, results, fresh, progress)
    progress = tracking = tracked(experiment, results, progress)
    wanted = None if cluster is None else need(experiment, device, threads)
    slots: list[Slot] = []
    if wanted:
        places = {trial.engine: wanted.place for trial in planned.trials}
    else:
        slots, places = _here(experiment, planned, device, threads, jobs, progress)
    for trial in planned.trials:
        if places[trial.engine].device not in ("auto", "gpu"):
            _check_precision(trial, places[trial.engine].device, experiment)
    with _written(results):
        store = _store(experiment, planned, results, prune, progress)
        is_to_do = fresh or any(store.status(trial.id) not in DONE for trial in planned.trials)
        if warn_if_busy and is_to_do and (warning := others.warning()):
            progress.note(warning)
        trials = comparison.ordered(planned.trials, experiment)
        keep(results, comparison.design(trials, experiment))
        announce(experiment, trials, store, fresh)
        if cluster is not None and wanted is not None:
            executor, line = cluster.executor(wanted, results)
            progress.note(line)
        sweep = Sweep(experiment, store, progress, executor or Local(slots), places, fresh)
        try:
            table = _table(sweep, trials)
        finally:
            sweep.executor.stop()
            tracking.close()
        counts = table[table["status"].isin(DONE)]["revision"].fillna("").value_counts().to_dict()
        if several := revisions.message(counts):
            progress.note(several)
        return table


def _planned(experiment: Experiment, device: str | None, results: Path, fresh: bool, progress: Progress) -> Plan:
    """Make the plan, check that it can be run, and show what a person should know of it."""
    comparison.check_metric(experiment)
    planned = plan(experiment, device, results)
    halving.check(experiment, planned.trials, fresh)
    for pair in planned.duplicates:
        progress.note(duplicate_message(*pair))
    if "auto" in experiment.spec.engine:
        progress.note("engine auto: {} ({})".format(*engines.choose("auto")))
    for note in planned.notes:
        progress.note(note)
    return planned


def _here(
    experiment: Experiment, planned: Plan, device: str | None, threads: int | None, jobs: Jobs, progress: Progress
) -> tuple[list[Slot], dict[str, Place]]:
    """Divide this machine among the trials that run at once, and find the place of the trials of each engine."""
    names = dict.fromkeys(trial.engine for trial in planned.trials)
    devices = {name: _device(name, device, experiment) for name in names}
    slots = _slots(devices, device or experiment.spec.device, experiment, jobs, threads, len(planned.trials))
    return slots, {name: _place(name, *devices[name], slots, experiment, progress) for name in names}


def _store(experiment: Experiment, planned: Plan, results: Path, prune: bool, progress: Progress) -> Store:
    """Open the results folder, write the specs of matched variants into it, and remove stale trials if asked to."""
    claim(results, Path(experiment.document.file))
    for line in matched.write(planned.matched, results):
        progress.note(line)
    labels = {trial.id: trial.labels() for trial in planned.trials}
    swept = dict.fromkeys(key for trial in planned.trials for key in trial.swept)
    store = Store(results, labels, list(swept))
    for line in store.prune() if prune else []:
        progress.note(line)
    return store


def _table(sweep: Sweep, trials: tuple[Trial, ...]) -> pd.DataFrame:
    """Run the trials that are to do; with `seeds: auto`, until the verdicts are clear."""
    experiment = sweep.experiment
    if not experiment.spec.auto:
        return sweep.run(trials, experiment.spec.halving)
    table = comparison.run_auto(sweep, trials, experiment, sweep.progress)
    if not sweep.is_over:
        settle(sweep.store.folder, set(table["trial"]))
    return table


_LOCK_WAIT = 0.2
"""Seconds to wait for the lock: `resnet-lab status` holds it for an instant when it asks whether a sweep runs."""

_UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOENT)


@contextmanager
def _written(results: Path) -> Iterator[None]:
    """Hold the results folder for this run alone; a failure to write there becomes one message."""
    try:
        results.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(results, error) from None
    try:
        with FileLock(results / LOCK, timeout=_LOCK_WAIT):
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


def _device(name: str, asked: str | None, experiment: Experiment) -> tuple[str, str]:
    """The device of an engine, and why; `asked` is the one that the command line names, before the experiment's."""
    engine = engines.get(name)
    problem = engine.problem()
    if problem:
        raise experiment.document.error(("engine",), f"the engine '{name}' cannot run here: {problem}")
    try:
        return engine.device(asked or experiment.spec.device)
    except LabError as error:
        raise error.at(*(("--device", None) if asked else experiment.document.mark(("device",)))) from None


def _slots(
    devices: dict[str, tuple[str, str]],
    asked: str,
    experiment: Experiment,
    jobs: Jobs,
    threads: int | None,
    trials: int,
) -> list[Slot]:
    """Divide this machine among the trials that run at once.

    Raises:
        LabError: A trial needs several GPUs, or there are more trials at once than shares of the GPUs.
    """
    gpus: list[int] = []
    for name, (device, _) in devices.items():
        numbers = device_numbers(device)
        if len(numbers) > 1 and jobs not in (None, 1):
            raise LabError(f"a trial on several devices ({device}) runs alone: --jobs must be 1, not {jobs}")
        if len(numbers) > 1 and experiment.spec.resources.gpu < 1:
            raise experiment.document.error(
                ("resources", "gpu"), f"a trial on several devices ({device}) cannot have a share of a GPU"
            )
        if device.startswith("cpu"):
            continue
        # `gpu` and `auto` leave the choice among all GPUs; `gpu:N` is the one that the person wants.
        whole = asked in ("auto", "gpu")
        found = [int(own[4:]) for own in engines.get(name).devices() if own != "cpu"] if numbers and whole else numbers
        gpus += [number for number in found if number not in gpus]
    return divided(jobs, experiment.spec.resources, threads=threads, gpus=gpus, trials=trials)


def _place(name: str, device: str, why: str, slots: list[Slot], experiment: Experiment, progress: Progress) -> Place:
    """Where the trials of an engine run, which is shown in one line."""
    engine = engines.get(name)
    try:
        way, because = engine.compiling(experiment.spec.compile, device)
    except LabError as error:
        raise error.at(*experiment.document.mark(("compile",))) from None
    threads = slots[0].threads or hardware.threads_in_use()
    at_once = f", {len(slots)} trials at once" if len(slots) > 1 else ""
    progress.note(
        f"{name} {engine.version()} on {device} ({why}), compile {way} ({because}), {threads} thread(s){at_once}"
    )
    return Place(device, way, threads)


def _check_precision(trial: Trial, device: str, experiment: Experiment) -> None:
    try:
        engines.get(trial.engine).check_precision(trial.precision, device)
    except LabError as error:
        path = experiment.place("precision") if "precision" in trial.swept else ("precision",)
        raise error.at(*experiment.document.mark(path)) from None
