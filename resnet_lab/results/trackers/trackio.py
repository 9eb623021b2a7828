"""trackio: runs in trackio's own folder on this machine."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from .registry import TrackedTrial, tracker


@tracker("trackio", package="trackio")
class Trackio:
    """Runs that `trackio show --project NAME` shows, where NAME is the experiment.

    trackio keeps them in its own folder, or in that of the environment variable TRACKIO_DIR.

    Args:
        folder: the results folder of the experiment; its name is the project's.
        project: another name of the project.
    """

    def __init__(self, folder: Path, *, project: str | None = None) -> None:
        self._project = project or folder.name
        self._runs: dict[str, Any] = {}

    def begin(self, trial: TrackedTrial) -> None:
        """Make a run; a trial that goes on gets back its run."""
        import trackio

        name, config = f"{trial.title} {trial.id}", dict(trial.settings)
        with redirect_stdout(sys.stderr):  # trackio prints how to open its page
            self._runs[trial.id] = trackio.init(self._project, name, config=config, resume="allow", embed=False)

    def epoch(self, trial: str, epoch: int, figures: Mapping[str, float]) -> None:
        """Write the figures of an epoch."""
        self._runs[trial].log(dict(figures), step=epoch)

    def end(self, trial: str, status: str, epoch: int, figures: Mapping[str, float]) -> None:
        """Write the figures of the whole trial, and end its run."""
        self._runs[trial].log({f"trial/{name}": value for name, value in figures.items()}, step=epoch)
        self._finish(trial)

    def close(self) -> None:
        """End the runs of trials that have not ended."""
        for trial in list(self._runs):
            self._finish(trial)

    def _finish(self, trial: str) -> None:
        with redirect_stdout(sys.stderr):
            self._runs.pop(trial).finish()
