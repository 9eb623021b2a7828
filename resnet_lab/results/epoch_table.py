"""The table `epochs.csv` of a results folder: one line for each epoch of each trial."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..base.files import atomic_write
from .csv_file import EPOCH_TABLE, append, is_whole, to_lines, whole_lines
from .trial_folder import EPOCHS, is_cut_off, read_or_set_aside

_COLUMNS = ["epoch", "lr", "train_loss", "train_accuracy", "seconds", "images_per_s", "val_loss", "val_accuracy"]
"""The columns behind the keys; with `train.test_every` come `test_loss` and `test_accuracy`."""


class EpochTable:
    """Writes `epochs.csv`; the rows come from the `epochs.json` of each trial.

    The memory that this takes does not grow with the number of epochs.

    Args:
        folder: the results folder.
        key: returns the first cells of every row of a trial, its id first.
        notes: receives a message about each damaged `epochs.json`.
    """

    def __init__(self, folder: Path, key: Callable[[str], Sequence[Any]], notes: list[str]) -> None:
        self._path, self._trials, self._key, self._notes = folder / EPOCH_TABLE, folder / "trials", key, notes
        self._names: list[str] = []

    def rows(self, trial: str) -> list[dict[str, Any]]:
        """The rows of a trial's `epochs.json`; none if the file is missing or damaged."""
        path = self._trials / trial / EPOCHS
        rows = read_or_set_aside(path, list, "epochs.csv has no rows of this trial", self._notes) or []
        return [row for row in rows if isinstance(row, dict)]

    def write(self, keys: Sequence[str], trials: Iterable[str], written: Mapping[str, int]) -> None:
        """Bring the file up to date. Lines that are right already are copied, and no `epochs.json` is read for them.

        Args:
            keys: the names of the first columns, `trial` first.
            trials: the ids of all trials.
            written: the number of epochs of each trial whose row has not changed since this file was written.
        """
        self._names = [*keys, *_COLUMNS]
        lines = whole_lines(self._path)
        header = next(lines, "").rstrip("\n").split(",")
        counts: Counter[str] = Counter()
        if header[: len(self._names)] == self._names:
            counts.update(line.partition(",")[0] for line in lines)
            self._names = header
        kept = {trial for trial, epochs in written.items() if counts[trial] == epochs and self._is_sound(trial)}
        others = [trial for trial in trials if trial not in kept]
        found = dict.fromkeys(name for trial in others for row in self.rows(trial) for name in row)
        if kept and not set(found) <= set(self._names):
            others, kept = list(trials), set()
            found = dict.fromkeys(name for trial in others for row in self.rows(trial) for name in row)
        if not found and set(counts) <= kept and is_whole(self._path):
            return
        self._names = list(dict.fromkeys([*self._names, *found]))
        with atomic_write(self._path) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(to_lines([self._names]))
            stream.writelines(line for line in whole_lines(self._path) if line.partition(",")[0] in kept)
            for trial in others:
                stream.writelines(self._lines(trial, self.rows(trial)))

    def append(self, trial: str) -> bool:
        """Append the rows of a trial that has none yet; False, and nothing is written, if they need a new column."""
        rows = self.rows(trial)
        if any(set(row) - set(self._names) for row in rows):
            return False
        if rows:
            append(self._path, self._lines(trial, rows))
        return True

    def _is_sound(self, trial: str) -> bool:
        return not is_cut_off(self._trials / trial / EPOCHS)

    def _lines(self, trial: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        key = self._key(trial)
        names = self._names[len(key) :]
        return to_lines([*key, *(row.get(name) for name in names)] for row in rows)
