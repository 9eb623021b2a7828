"""Executors: where trials run.

An executor starts trials, passes on what they report, and can stop them. The plan, the order of the trials, the store
and the progress display stand above it (sweeps/run.py) and are the same for every executor.
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
    """

    trial: Trial
    folder: Path
    place: Place
    measure: bool
    revision: str

    def to_json(self) -> dict[str, Any]:
        """The work as JSON values: what a worker is given."""
        return {
            "trial": self.trial.to_json(),
            "folder": str(self.folder),
            "place": asdict(self.place),
            "measure": self.measure,
            "revision": self.revision,
        }

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> Work:
        """Read back what `to_json` gave."""
        trial, place = Trial.from_json(values["trial"]), Place(**values["place"])
        return Work(trial, Path(values["folder"]), place, values["measure"], values["revision"])


@dataclass(frozen=True)
class Event:
    """A trial reports a step, an epoch, or a checkpoint that it goes on from."""

    work: Work
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Ended:
    """A trial's worker has ended.

    Attributes:
        work: the trial.
        status: `failed` or `out_of_memory` where the worker died; '' where it ended in order.
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
        """Start a trial; called only while fewer than `capacity` trials run."""

    def next(self) -> Event | Ended:
        """Wait for the next report of any trial that runs; each trial ends with one `Ended`."""

    def stop(self) -> None:
        """End every trial that still runs, and wait until it has ended; nothing happens where none runs."""
