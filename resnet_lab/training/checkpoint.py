"""Reads what a cut-off trial goes on from: weights, optimizer state, and the rows of the epochs that are done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.errors import LabError
from ..base.files import read_json
from ..weights import safetensors


@dataclass(frozen=True)
class Checkpoint:
    """The state of a trial where an epoch ended.

    Attributes:
        arrays: weights by canonical name, and what else the file holds, such as the optimizer's state.
        rows: the rows of the epochs that are done.
        seconds: the time that the trial had taken by then.
    """

    arrays: safetensors.Arrays
    rows: list[dict[str, Any]]
    seconds: float


def read(path: Path, epochs: Path) -> tuple[Checkpoint | None, str]:
    """Read a checkpoint; a damaged one is removed, so that the trial begins anew instead of failing again and again.

    Args:
        path: the file of weights and optimizer state.
        epochs: the JSON file with a row for each epoch.

    Returns:
        The checkpoint, None where there is none or where it is damaged; and the problem of a damaged one, else ''.
    """
    if not path.is_file():
        return None, ""
    try:
        arrays, metadata = safetensors.load(path), safetensors.metadata(path)
        done, rows = int(metadata["epochs"]), read_json(epochs)
        if not isinstance(rows, list) or len(rows) < done:
            raise ValueError(f"{epochs.name} has not the rows of {done} epoch(s)")
        return Checkpoint(arrays, rows[:done], float(metadata["seconds"])), ""
    except (LabError, OSError, ValueError, KeyError) as error:
        path.unlink()
        return None, f"the checkpoint {path} is damaged ({error}); the trial begins anew"
