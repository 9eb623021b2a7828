"""An actor of Ray: runs one trial after another on its machine, and sends the files of each back."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...results.trial_folder import LOG
from ...training.checkpoint import CHECKPOINT, EPOCHS
from . import Work
from .local import Local
from .parcel import changed, keep, unpack
from .relay import reports
from .slots import Slot

KEPT = (CHECKPOINT, EPOCHS, LOG)
"""The files that a trial sends while it runs, and takes along when it is tried again."""


class RayWorker:
    """One place for a trial on a machine of a Ray cluster. The trial itself runs in a worker process, as with `Local`.

    The methods `end` and `close` are called while `run` runs, so the actor needs a thread for each of the three.

    Args:
        threads: the CPU threads of a trial.
        environment: variables of the person's environment; those that are set on this machine stay as they are.
    """

    def __init__(self, threads: int, environment: Mapping[str, str]) -> None:
        for name, value in environment.items():
            os.environ.setdefault(name, value)
        self._temporary = tempfile.TemporaryDirectory(prefix="resnet-lab-")
        self._folder = Path(self._temporary.name)
        self._local = Local([Slot(threads)])

    def run(
        self, values: Mapping[str, Any], kept: Mapping[str, bytes], own: Sequence[str], *contents: bytes
    ) -> Iterator[tuple[dict[str, Any], dict[str, bytes]]]:
        """Run a trial.

        Args:
            values: the `Work` as JSON, with the paths of the machine that sends it.
            kept: the content of those files of `KEPT` that the trial's folder has.
            own: the paths of the person's files there; see `parcel.own_files`.
            contents: the content of each of them.

        Yields:
            For each report a pair: its content, and the files of the trial's folder that have changed; after the end
            all files, and in the content the names of the files that there are.
        """
        home, folder = str(values["folder"]), Path(tempfile.mkdtemp(dir=self._folder))
        keep(folder, kept)
        trial = unpack(values["trial"], dict(zip(own, contents, strict=True)), self._folder / "own")
        sent: dict[str, int] = {}
        self._local.start(Work.from_json({**values, "trial": trial, "folder": str(folder)}))
        for content in reports(self._local):
            if content["event"] != "ended":
                yield content, changed(folder, KEPT, sent)
                continue
            content["reason"] = content["reason"].replace(str(folder), home)
            files = changed(folder, None, sent)
            content["files"] = [path.name for path in folder.iterdir()]
            shutil.rmtree(folder)
            yield content, files

    def end(self, trial: str) -> None:
        """End the trial of this id at once."""
        self._local.end(trial)

    def close(self) -> None:
        """End the trial that runs, and remove all files."""
        self._local.stop()
        self._temporary.cleanup()
