"""A whole experiment: which trials are still to do, one worker process for each, tables after each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from .. import engines
from ..base import hardware
from ..base.errors import LabError
from ..base.files import read_json, write_json
from ..data import DATASETS, Source
from ..results.store import is_done, refresh
from ..specs.data import DataSpec
from ..specs.experiment import Experiment
from ..training.loop import CHECKPOINT
from ..training.provenance import now, where
from ..training.trial import Place, Trial
from .plan import duplicate_message, plan
from .progress import Progress

if TYPE_CHECKING:
    import pandas as pd


def run(
    experiment: Experiment, results: Path, progress: Progress, *, device: str | None = None, fresh: bool = False
) -> pd.DataFrame:
    """Run the trials that have no result yet; a failed or interrupted one counts as having none.

    Args:
        results: the experiment's own folder; made if missing.
        device: instead of the experiment's.
        fresh: run every trial anew; an old result stands until the new one is there.

    Returns:
        one row for each trial of the experiment, in its order.

    Raises:
        LabError: an engine cannot run here, a device is not there, or another run writes to `results`.
    """
    planned = plan(experiment, device)
    trials = planned.trials
    for pair in planned.duplicates:
        progress.note(duplicate_message(*pair))
    places = {
        name: _place(name, device, experiment, progress) for name in dict.fromkeys(trial.engine for trial in trials)
    }
    for trial in trials:
        _check_precision(trial, places[trial.engine].device, experiment)
    try:
        results.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(f"the results folder {results} cannot be made: {error.strerror}") from None
    try:
        with FileLock(results / ".lock", timeout=0):
            for trial in trials:
                _write_config(trial, results)
            table = refresh(results)
            todo = [trial for trial in trials if fresh or not is_done(results, trial.id)]
            asked = {(trial.data.name, repr(sorted(trial.data.options.items()))): trial.data for trial in todo}
            for data in asked.values():
                _fetch(data, experiment)
            progress.begin(experiment.name, len(trials), len(trials) - len(todo))
            for trial in todo:
                progress.trial(trial.labels())
                row = _run_trial(trial, results, places[trial.engine], experiment.spec.measure, progress, fresh)
                table = refresh(results)
                progress.result(row)
            progress.end()
    except Timeout:
        raise LabError(
            f"another run is writing to {results}; wait for it, or name another folder with --results"
        ) from None
    order = {trial.id: index for index, trial in enumerate(trials)}
    mine = table[table["trial"].isin(list(order))]
    return mine.sort_values("trial", key=lambda ids: ids.map(order)).reset_index(drop=True)


def _place(name: str, asked: str | None, experiment: Experiment, progress: Progress) -> Place:
    """Where an engine runs; `asked` is the command line's word for the device, before the experiment's."""
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
    progress.note(
        f"{name} {engine.version()} on {device} ({why}), compile {way} ({because}), {hardware.threads()} thread(s)"
    )
    return Place(device, way, hardware.threads())


def _check_precision(trial: Trial, device: str, experiment: Experiment) -> None:
    try:
        engines.get(trial.engine).check_precision(trial.precision, device)
    except LabError as error:
        path = ("grid", "precision") if "precision" in trial.swept else ("precision",)
        raise error.at(*experiment.document.mark(path)) from None


def _fetch(data: DataSpec, experiment: Experiment) -> None:
    """Have a dataset's files here and whole before any trial, where a person sees the download."""
    try:
        source: Source = DATASETS.get(data.name)
        source.read(source.check(data.options), data.size)
    except LabError as error:
        raise error.at(*experiment.document.mark(("data", "name"))) from None


def _folder(results: Path, trial: Trial) -> Path:
    return results / "trials" / trial.id


def _write_config(trial: Trial, results: Path) -> None:
    """Keep the resolved configuration; a new name for the same trial replaces the old one."""
    folder = _folder(results, trial)
    folder.mkdir(parents=True, exist_ok=True)
    config = json.loads(json.dumps(trial.to_json()))
    path = folder / "trial.json"
    if not path.is_file() or read_json(path) != config:
        write_json(path, config)


def _run_trial(
    trial: Trial, results: Path, place: Place, measure: bool, progress: Progress, fresh: bool
) -> dict[str, Any]:
    """Run one trial in a process of its own; how that ends becomes a result in any case."""
    folder = _folder(results, trial)
    if fresh:
        (folder / CHECKPOINT).unlink(missing_ok=True)
    order: dict[str, Any] = {
        "trial": trial.to_json(),
        "folder": str(folder),
        "place": asdict(place),
        "measure": measure,
        "revision": hardware.revision(),
    }
    path = folder / "result.json"
    before, started = path.stat().st_mtime_ns if path.is_file() else None, now()
    code = _work(order, folder, progress)
    if not path.is_file() or path.stat().st_mtime_ns == before:
        packages = engines.get(trial.engine).packages
        write_json(path, _death(code, folder) | where(place, order["revision"], packages, started))
    return {**trial.labels(), **read_json(path)}


def _work(order: dict[str, Any], folder: Path, progress: Progress) -> int:
    """Give a worker its order, pass on what it reports; returns its exit status."""
    with (folder / "log.txt").open("ab") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "resnet_lab.sweeps.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
            # A file of the person's own that is called random.py must not stand for Python's.
            env={**os.environ, "PYTHONSAFEPATH": "1"},
        )
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        with suppress(BrokenPipeError):
            worker.stdin.write(json.dumps(order) + "\n")
            worker.stdin.flush()
        for line in worker.stdout:
            progress.event(json.loads(line))
    finally:
        with suppress(BrokenPipeError):
            worker.stdin.close()
        code = worker.wait()
    return code


def _death(code: int, folder: Path) -> dict[str, Any]:
    """The result of a worker that ended without writing one."""
    log = str(folder / "log.txt")
    if code == -signal.SIGKILL:
        told = f"the worker was killed (signal 9), as the kernel does when memory runs out; see {log}"
        return {"status": "out_of_memory", "reason": told}
    how = f"signal {-code}" if code < 0 else f"exit status {code}"
    return {"status": "failed", "reason": f"the worker ended with {how}; see {log}"}
