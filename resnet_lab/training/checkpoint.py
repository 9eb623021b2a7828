"""Checkpoints: the weights, the optimizer's state and the finished epochs with which an interrupted trial continues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.errors import LabError
from ..base.files import read_json
from ..weights import safetensors

if TYPE_CHECKING:
    from ..engines.contract import Model

SHARE = 0.05
"""The largest share of the training time that writing checkpoints takes."""

CHECKPOINT = "checkpoint.safetensors"
"""The file of a checkpoint in the folder of its trial; the worker removes it when the trial has a result."""

EPOCHS = "epochs.json"
"""The file in the folder of a trial that contains one row for each finished epoch."""

_OPTIMIZER = "optimizer:"
"""The beginning of the names of the optimizer's arrays in the file; all other arrays are weights."""


class Interval:
    """Decides after which epochs of a training a checkpoint is written.

    The first epoch is followed by one. Later the measured cost of the last checkpoint decides: the next one is written
    as soon as this cost is at most SHARE of the time of the epochs since then.
    """

    def __init__(self) -> None:
        self._cost: float | None = None
        self._trained = 0.0

    def is_due(self, seconds: float, last: bool) -> bool:
        """Whether a checkpoint is written now.

        Args:
            seconds: the time of the epoch that has ended.
            last: whether no further epoch follows; a checkpoint whose cost is not known is then left out.
        """
        self._trained += seconds
        if self._cost is None:
            return not last
        return self._cost <= SHARE * self._trained

    def written(self, seconds: float) -> None:
        """Record that a checkpoint was written, and the time that this took."""
        self._cost, self._trained = seconds, 0.0


@dataclass(frozen=True)
class Checkpoint:
    """The state of a trial at the end of an epoch.

    Attributes:
        weights: the arrays of the network, by canonical name.
        optimizer: the arrays of the optimizer's state, by the names that `Model.optimizer_state` gives them.
        rows: the rows of the finished epochs.
        seconds: the time that the trial had taken so far.
    """

    weights: Mapping[str, Any]
    optimizer: Mapping[str, Any]
    rows: list[dict[str, Any]]
    seconds: float

    def restore(self, model: Model) -> None:
        """Give a model, which is prepared for training, these weights and this state of the optimizer."""
        model.load(self.weights)
        model.load_optimizer_state(self.optimizer)


def save(model: Model, folder: Path, epochs: int, seconds: float) -> None:
    """Write the checkpoint of a trial.

    Args:
        model: the model, between two epochs.
        folder: the folder of the trial, which has the rows of all finished epochs in EPOCHS already.
        epochs: the number of finished epochs.
        seconds: the time that the trial has taken so far.
    """
    state = {f"{_OPTIMIZER}{name}": array for name, array in model.optimizer_state().items()}
    metadata = {"epochs": str(epochs), "seconds": str(seconds)}
    safetensors.save(folder / CHECKPOINT, model.weights() | state, metadata)


def read(folder: Path, remove: bool = True) -> tuple[Checkpoint | None, str]:
    """Read the checkpoint of a trial; remove a damaged one, with which the trial would fail again and again.

    Args:
        folder: the folder of the trial.
        remove: whether a damaged checkpoint is removed.

    Returns:
        The checkpoint, or None if there is none or it is damaged; and a message if it is damaged, else ''.
    """
    path, rows_file = folder / CHECKPOINT, folder / EPOCHS
    if not path.is_file():
        return None, ""
    try:
        arrays, metadata = safetensors.load(path), safetensors.metadata(path)
        epochs, rows = int(metadata["epochs"]), read_json(rows_file)
        if not isinstance(rows, list) or len(rows) < epochs:
            raise ValueError(f"{rows_file.name} does not contain the rows of {epochs} epoch(s)")
        weights = {name: array for name, array in arrays.items() if not name.startswith(_OPTIMIZER)}
        optimizer = {
            name.removeprefix(_OPTIMIZER): array for name, array in arrays.items() if name.startswith(_OPTIMIZER)
        }
        return Checkpoint(weights, optimizer, rows[:epochs], float(metadata["seconds"])), ""
    except (LabError, OSError, ValueError, KeyError) as error:
        if remove:
            path.unlink()
        return None, f"the checkpoint {path} is damaged ({error}); the trial begins anew"
