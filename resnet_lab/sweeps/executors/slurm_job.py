"""A job of SLURM: what submitit calls on the machine that SLURM chose, and the files by which the job reports."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...base.files import read_json
from ...results.trial_folder import RESULT
from . import Work
from .local import Local
from .relay import reports
from .slots import Slot

JOB = "job.json"
"""The file in a trial's folder that names the attempt and the job to which the trial belongs."""


def reports_file(folder: Path, token: str) -> Path:
    """The file in a trial's folder to which the job of an attempt appends its reports, a line of JSON each."""
    return folder / f"reports-{token}.jsonl"


def forget(folder: Path) -> None:
    """Remove the files that join a trial to a job."""
    for path in (folder / JOB, *folder.glob("reports-*.jsonl")):
        path.unlink(missing_ok=True)


def written_at(path: Path) -> int | None:
    """When a file was last written, in nanoseconds, by the clock of the file system; None where there is no file."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


@dataclass(frozen=True)
class Job:
    """One trial as a job.

    Attributes:
        values: the `Work` as JSON.
        token: the name of this attempt; a job that `job.json` does not name has no right to the trial any more.
    """

    values: Mapping[str, Any]
    token: str

    def __call__(self) -> None:
        """Run the trial in a worker, and append its reports to the file of this attempt."""
        work = Work.from_json(self.values)
        if not self._is_wanted(work.folder):
            return
        local = Local([Slot(work.place.threads)])
        try:
            with _signals_kept_from_children():
                local.start(work)
            for content in reports(local):
                if not self._is_wanted(work.folder):
                    return
                if content["event"] == "ended":
                    content["written"] = written_at(work.folder / RESULT)
                # The file is closed after each line: a shared file system shows a line to other machines only then. A
                # job that was killed may have left a part of a line, so each line begins with a new line.
                with reports_file(work.folder, self.token).open("a") as stream:
                    stream.write(f"\n{json.dumps(content)}\n")
        finally:
            local.stop()

    def checkpoint(self) -> Any:
        """What submitit queues again when SLURM takes the machine away: the same job; the trial has its checkpoint."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)

    def _is_wanted(self, folder: Path) -> bool:
        try:
            return bool(read_json(folder / JOB)["token"] == self.token)
        except (OSError, ValueError, KeyError, TypeError):
            return False


@contextmanager
def _signals_kept_from_children() -> Iterator[None]:
    """Let processes that are started inside never see the signals by which SLURM announces that a job ends.

    SLURM sends them to every process of a job. This process answers them and lets the job be queued again; the worker
    would die of them first.
    """
    announced = {signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, announced)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
