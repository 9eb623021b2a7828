"""TensorBoard: event files in the results folder, one folder for each trial."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .registry import TrackedTrial, tracker


@tracker("tensorboard", package="tensorboard")
class TensorBoard:
    """Event files that `tensorboard --logdir RESULTS/tensorboard` shows.

    Args:
        folder: the results folder of the experiment.
        path: another folder for the event files.
    """

    def __init__(self, folder: Path, *, path: Path | None = None) -> None:
        self._folder = folder / "tensorboard" if path is None else Path(path)
        self._writers: dict[str, Any] = {}

    def begin(self, trial: TrackedTrial) -> None:
        """Open the event file of a trial; a trial that goes on gets a further file in the same folder."""
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        if trial.id not in self._writers:
            name = re.sub(r"[^\w.=+-]+", "_", trial.title)
            self._writers[trial.id] = EventFileWriter(str(self._folder / f"{name}_{trial.id}"))

    def epoch(self, trial: str, epoch: int, figures: Mapping[str, float]) -> None:
        """Write the figures of an epoch as scalars, and hand them to the disk."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        scalars = [Summary.Value(tag=name, simple_value=value) for name, value in figures.items()]
        self._writers[trial].add_event(Event(wall_time=time.time(), step=epoch, summary=Summary(value=scalars)))
        self._writers[trial].flush()

    def end(self, trial: str, status: str, epoch: int, figures: Mapping[str, float]) -> None:
        """Write the figures of the whole trial below `trial/`, and close its file."""
        self.epoch(trial, epoch, {f"trial/{name}": value for name, value in figures.items()})
        self._writers.pop(trial).close()

    def close(self) -> None:
        """Close the files of trials that have not ended."""
        for writer in self._writers.values():
            writer.close()
