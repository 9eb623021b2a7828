"""Executors: where trials run.

An executor starts trials, passes on what they report, and can end them. The plan, the order of the trials, retries,
limits, the store and the progress display stand above it (sweeps/run.py, sweeps/sweep.py) and are the same for every
executor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from ...training.trial import Place, Trial


@dataclass(frozen=True)
class Work:
    """One trial to run.

    Attributes:
        trial: the trial.
        folder: where the trial keeps its checkpoint, weights and result; it exists.
        place: the device, how the network is compiled, and the threads.
        measure: whether to measure throughput after the training.
        revision: the git revision of the working directory, '' outside git.
        memory: the most memory in bytes that the trial's processes may use together; None for no limit.
        until: the number of epochs after which the trial stops and keeps its checkpoint, from which it can go on later;
            None to train all epochs.
    """

    trial: Trial
    folder: Path
    place: Place
    measure: bool
    revision: str
    memory: int | None = None
    until: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The work as JSON values: what a worker is given."""
        return {
            "trial": self.trial.to_json(),
            "folder": str(self.folder),
            "place": asdict(self.place),
            "measure": self.measure,
            "revision": self.revision,
            "memory": self.memory,
            "until": self.until,
        }

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> Work:
        """Read back what `to_json` gave."""
        trial, place = Trial.from_json(values["trial"]), Place(**values["place"])
        kept = {name: values[name] for name in ("measure", "revision", "memory", "until")}
        return Work(trial, Path(values["folder"]), place, **kept)


@dataclass(frozen=True)
class Event:
    """A trial reports.

    The content's key `event` is `started` (the trial now uses its share of a machine, and its time begins), `step`,
    `epoch`, `resumed` (it continues from a checkpoint), or `note`; see training/loop.py.
    """

    work: Work
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Ended:
    """A trial has ended.

    Attributes:
        work: the trial.
        status: `failed` or `out_of_memory` where its worker died; '' where the trial ended in order.
        reason: why the worker died.
    """

    work: Work
    status: str = ""
    reason: str = ""


class Executor(Protocol):
    """Runs trials somewhere."""

    @property
    def capacity(self) -> int:
        """How many trials can run at once."""

    def start(self, work: Work) -> None:
        """Start a trial; called only while fewer than `capacity` trials run.

        The executor chooses the device and the threads where several trials share a machine: the reports of the trial
        carry the place at which it runs.
        """

    def next(self, timeout: float | None = None) -> Event | Ended | None:
        """Wait for the next report of any trial that runs; each trial ends with one `Ended`.

        Args:
            timeout: the most seconds to wait; None to wait without end.

        Returns:
            The report; None if none came in time.
        """

    def end(self, trial: str) -> None:
        """End the trial of this id at once, as when it hangs; its `Ended` comes later."""

    def stop(self) -> None:
        """End every trial that still runs and every worker, and wait for that; nothing happens where none runs."""
