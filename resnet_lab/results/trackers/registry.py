"""The registry of trackers, and what a tracker has to do."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ...base.registry import Entry, Registry


@dataclass(frozen=True)
class TrackedTrial:
    """A trial as trackers show it.

    Attributes:
        id: the trial's id.
        title: the trial in a few words: the variant, the engine, what the grid sweeps, the seed.
        settings: the columns of the results that are known before the trial runs.
    """

    id: str
    title: str
    settings: Mapping[str, Any]


class Tracker(Protocol):
    """Writes the epochs of a sweep's trials into the store of another program.

    All methods are called in one thread, which is the tracker's own. Trials that run side by side are mixed.
    """

    def begin(self, trial: TrackedTrial) -> None:
        """A trial begins, or goes on after it was stopped or killed."""

    def epoch(self, trial: str, epoch: int, figures: Mapping[str, float]) -> None:
        """A trial has ended an epoch, counted from 1, with the figures of `epochs.csv`."""

    def end(self, trial: str, status: str, epoch: int, figures: Mapping[str, float]) -> None:
        """A trial has ended after `epoch` epochs, with the figures of `trials.csv`."""

    def close(self) -> None:
        """The sweep is over."""


@dataclass(frozen=True)
class TrackerEntry(Entry):
    """A registered tracker.

    Attributes:
        package: the module that the tracker imports.
    """

    package: str = ""

    def problem(self) -> str:
        """Why the tracker cannot run here; '' if it can."""
        if self.package and importlib.util.find_spec(self.package) is None:
            return f"the package '{self.package}' is not installed: pip install 'resnet-lab[{self.name}]'"
        return ""


TRACKERS: Registry[TrackerEntry] = Registry("tracker")
"""The trackers by name."""


def tracker(name: str, *, package: str) -> Callable[[Callable[..., Tracker]], Callable[..., Tracker]]:
    """Register a class, or a function, that makes a tracker.

    It is called with the results folder of the experiment; its further keyword parameters are the options that an
    experiment may set. It imports its package inside its methods.

    Args:
        name: the name for `trackers:`, which is the name of the extra as well.
        package: the module that it imports.
    """

    def register(make: Callable[..., Tracker]) -> Callable[..., Tracker]:
        TRACKERS.add(TrackerEntry("tracker", name, make, ("folder",), package=package))
        return make

    return register


Maker = Callable[[], Tracker]


def maker(name: str, options: Mapping[str, Any], folder: Path) -> Maker:
    """Check a tracker and its options, and return a function that makes it.

    Raises:
        OptionError: The tracker does not take an option.
        LabError: There is no such tracker, or its package is not installed.
    """
    from ...base.errors import LabError

    entry = TRACKERS.get(name)
    checked = entry.check(options)
    if problem := entry.problem():
        raise LabError(f"the tracker '{name}' cannot run here: {problem}")
    return lambda: entry.function(folder, **checked)
