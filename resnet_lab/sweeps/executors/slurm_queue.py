"""Runs trials as jobs of SLURM, through submitit: the trials that start together are one job array.

The results folder lies on a file system that every machine of the cluster sees. A job runs one trial in a worker, as
the local executor does, and appends the trial's reports to a file in the trial's folder, which this executor reads.

A job goes on when the process that submitted it has died. The file `job.json` in the trial's folder names the job to
which the trial belongs: the next run takes up a job that still waits or runs, and a job that the file does not name
ends without touching the trial.
"""

from __future__ import annotations

import json
import math
import os
import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...base.errors import LabError
from ...base.files import read_json, write_json
from ...results.trial_folder import RESULT, has_result
from . import Ended, Event, Work
from .slurm_job import JOB, Job, forget, reports_file, written_at

_LOOK_EVERY = 0.5
"""The least number of seconds between two looks at the reports of all jobs."""

_STATES_EVERY = 5.0
"""The seconds between two looks at the states of all jobs; a job that has ended without a report is dead after two."""

_PATIENCE = 60.0
"""How many seconds a result may take until this machine sees what another machine wrote to the shared file system."""

_ALIVE = ("PENDING", "RUNNING", "REQUEUED", "CONFIGURING", "COMPLETING", "SUSPENDED")
"""The states of a job that waits or runs."""


@dataclass
class _Run:
    """A trial and its job.

    Attributes:
        work: the trial.
        token: the name of this attempt, which `job.json` holds.
        job: submitit's job.
        read: how many bytes of the reports were read.
        is_dead: whether the job had ended, without a report of it, at the last look at its state.
    """

    work: Work
    token: str
    job: Any
    read: int = 0
    is_dead: bool = False


class Slurm:
    """Jobs of SLURM, one for each trial.

    Args:
        executor: submitit's executor.
        threads: the CPU threads of each trial.
        at_once: how many jobs wait or run at once.
    """

    def __init__(self, executor: Any, threads: int, at_once: int) -> None:
        self._executor, self._threads, self._at_once = executor, threads, at_once
        self._waiting: list[Work] = []
        self._runs: dict[str, _Run] = {}
        self._found: deque[Event | Ended] = deque()
        self._states_at = 0.0

    @property
    def capacity(self) -> int:
        """How many jobs can wait or run at once."""
        return self._at_once

    def start(self, work: Work) -> None:
        """Let the trial be submitted at the next call of `next`, with all others that are started until then."""
        self._waiting.append(replace(work, place=replace(work.place, threads=self._threads)))

    def next(self, timeout: float | None = None) -> Event | Ended | None:
        """Submit what was started, and wait for a report of a job or for its end."""
        end = math.inf if timeout is None else time.monotonic() + timeout
        self._submit()
        while not self._found:
            begun = time.monotonic()
            self._look()
            if self._found:
                break
            if time.monotonic() >= end:
                return None
            # With very many jobs a look takes long; a shared file system must not be busy with looks alone.
            pause = max(_LOOK_EVERY, 4 * (time.monotonic() - begun))
            time.sleep(max(0.0, min(pause, end - time.monotonic())))
        return self._found.popleft()

    def end(self, trial: str) -> None:
        """Cancel the job of a trial."""
        if trial in self._runs:
            self._cancel(self._runs[trial])

    def stop(self) -> None:
        """Cancel all jobs."""
        runs = list(self._runs.values())
        self._waiting.clear()
        self._runs.clear()
        self._found.clear()
        for run in runs:
            self._cancel(run)
        end = time.monotonic() + 10
        while time.monotonic() < end and not all(run.job.done() for run in runs):
            time.sleep(0.1)
        for run in runs:
            forget(run.work.folder)

    def _submit(self) -> None:
        """Submit all trials that wait as one array, except those that a job of an earlier run has done or will do."""
        works = []
        for work in self._waiting:
            if self._takes_up(work):
                continue
            if has_result(work.folder):  # its job of an earlier run has ended since this run began
                forget(work.folder)
                self._found.append(Ended(work))
            else:
                works.append(work)
        self._waiting.clear()
        if not works:
            return
        tokens = [uuid.uuid4().hex[:8] for _ in works]
        for work, token in zip(works, tokens, strict=True):
            write_json(work.folder / JOB, {"token": token})
        try:
            with self._executor.batch():
                jobs = [self._executor.submit(_job(work, token)) for work, token in zip(works, tokens, strict=True)]
        except (RuntimeError, OSError) as error:  # submitit passes on what sbatch says
            raise LabError(f"the jobs cannot be submitted: {error}") from None
        for work, token, job in zip(works, tokens, jobs, strict=True):
            self._runs[work.trial.id] = _Run(work, token, job)
            write_json(work.folder / JOB, {"token": token, "job": job.job_id})

    def _takes_up(self, work: Work) -> bool:
        """Go on with the job of an earlier run, if it still waits or runs."""
        try:
            known = read_json(work.folder / JOB)
            token, job_id = str(known["token"]), str(known["job"])
        except (OSError, ValueError, KeyError, TypeError):
            return False
        job = _job_of_an_earlier_run(self._executor, job_id)
        if not job.state.upper().startswith(_ALIVE):
            return False
        self._runs[work.trial.id] = _Run(work, token, job)
        return True

    def _look(self) -> None:
        """Read the new reports of all jobs, and now and then their states."""
        for run in list(self._runs.values()):
            self._read(run)
        if time.monotonic() - self._states_at < _STATES_EVERY:
            return
        for run in list(self._runs.values()):
            if run.is_dead:
                self._finish(run, *_death(run.job))
            run.is_dead = run.job.done()
        self._states_at = time.monotonic()

    def _read(self, run: _Run) -> None:
        for content in _lines(run):
            if content["event"] != "ended":
                self._found.append(Event(run.work, content))
                continue
            _wait_for(run.work.folder / RESULT, content["written"])
            self._finish(run, content["status"], content["reason"])
            return

    def _finish(self, run: _Run, status: str, reason: str) -> None:
        del self._runs[run.work.trial.id]
        forget(run.work.folder)
        self._found.append(Ended(run.work, status, reason))

    def _cancel(self, run: _Run) -> None:
        (run.work.folder / JOB).unlink(missing_ok=True)  # a job that begins meanwhile ends by itself
        with suppress(OSError):
            run.job.cancel(check=False)


def _job(work: Work, token: str) -> Job:
    return Job(replace(work, folder=work.folder.resolve()).to_json(), token)


def _lines(run: _Run) -> Iterator[dict[str, Any]]:
    """The reports of a job that were not read yet; a line without an end is read later."""
    try:
        with reports_file(run.work.folder, run.token).open("rb") as stream:
            stream.seek(run.read)
            whole, newline, _ = stream.read().rpartition(b"\n")
    except OSError:
        return
    run.read += len(whole) + len(newline)
    for line in whole.splitlines():
        with suppress(ValueError):  # the job was killed within this line
            yield json.loads(line)


def _wait_for(path: Path, written: int | None) -> None:
    """Wait until this machine sees the file that another machine wrote at a time; see `_PATIENCE`."""
    end = time.monotonic() + _PATIENCE
    while written_at(path) != written and time.monotonic() < end:
        time.sleep(0.1)


def _death(job: Any) -> tuple[str, str]:
    """The status and the reason of a trial whose job has ended without a report of its end."""
    state = job.state
    status = "out_of_memory" if state.upper().startswith("OUT_OF_ME") else "failed"
    return status, f"the job {job.job_id} ended without a result (its state is {state}); see {job.paths.stderr}"


class _Process:
    """The process of a local job that another run has started, in the form in which submitit expects a process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        """None while the process runs."""
        import psutil

        with suppress(psutil.Error):
            process = psutil.Process(self.pid)
            if process.status() != psutil.STATUS_ZOMBIE and any("submitit" in word for word in process.cmdline()):
                return None
        return 0

    def send_signal(self, number: int) -> None:
        """Send a signal to the process."""
        os.kill(self.pid, number)


def _job_of_an_earlier_run(executor: Any, job_id: str) -> Any:
    """Submitit's job of this id."""
    import submitit

    if executor.cluster == "local":
        return submitit.LocalJob(executor.folder, job_id, process=_Process(int(job_id)))
    return submitit.SlurmJob(executor.folder, job_id)
