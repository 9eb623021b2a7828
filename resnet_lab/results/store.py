"""The results folder of one experiment: one file a trial, and two tables, plain pandas in long form.

`trials/ID/` keeps each trial: `trial.json` (what ran), `result.json` (its whole row of `trials.csv`), `epochs.json`,
`weights.safetensors`, `test.npz` (which test images it got right), `log.txt`. The results are read once, when a run
begins; each trial that ends adds its row. The table `trials.csv` is written anew beside the old one and renamed, so
that a kill at any instant leaves it whole and loses no finished trial. `epochs.csv` is extended, and written anew when
a run begins.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..base.errors import LabError
from ..base.files import read_json, write_json, write_text
from .columns import ordered
from .images import ImageOutcomes
from .images import read as read_images
from .trial_folder import EPOCHS, RESULT, has_result, read_or_set_aside, recover

_TABLE, _EPOCHS, _OWNER = "trials.csv", "epochs.csv", "experiment.json"
_EPOCH_COLUMNS = ["epoch", "lr", "train_loss", "train_accuracy", "seconds", "images_per_s", "val_loss", "val_accuracy"]
"""Columns of `epochs.csv`; with `train.test_every` come `test_loss` and `test_accuracy`."""

_TEXTS = dict.fromkeys(("trial", "setting", "graph", "reason", "revision"), str)


class Store:
    """The results of an experiment while it runs.

    Args:
        folder: the experiment's own folder of results, which is there.
        current: the labels of the experiment's trials by id; every other trial in the folder is stale.
        swept: the keys of the experiment's grid, whose columns `epochs.csv` repeats.

    Attributes:
        notes: messages about damaged files that were set aside.
    """

    def __init__(self, folder: Path, current: Mapping[str, Mapping[str, Any]], swept: Sequence[str] = ()) -> None:
        self.folder, self.notes = folder, list[str]()
        self._current = current
        self._swept = [f"{key}." for key in swept]
        recover(folder / "trials")
        self._rows: dict[str, dict[str, Any]] = {}
        for place in self._folders():
            consequence = "the trial runs again" if place.name in current else "the trial is left out of trials.csv"
            result = read_or_set_aside(place / RESULT, dict, consequence, self.notes)
            if result is not None:
                self._rows[place.name] = self._row(place.name, result)
        self.write()

    def status(self, trial: str) -> str | None:
        """How a trial ended; None where it has no result."""
        return self._rows[trial]["status"] if trial in self._rows else None

    def epochs(self, trial: str) -> list[dict[str, Any]]:
        """The rows of the epochs that the result of a trial counts; none where it has no result."""
        count = self._rows.get(trial, {}).get("epochs_done", 0)
        return self._epochs(trial)[:count] if count else []

    def has_test_curve(self, trial: str) -> bool:
        """Whether a trial was tested after its epochs, and not only at its end."""
        return any("test_accuracy" in row for row in self._epochs(trial))

    def add(self, trial: str) -> dict[str, Any]:
        """Take up the result that a trial's folder holds now, write the tables, and return the trial's row."""
        known = trial in self._rows
        self._rows[trial] = self._row(trial, read_json(self.folder / "trials" / trial / RESULT))
        if known:
            self.write()
        else:
            self._write_trials()
            self._append_epochs(trial)
        return self._rows[trial]

    def table(self, instead: Mapping[str, dict[str, Any]] | None = None) -> pd.DataFrame:
        """One row for each trial with a result, in the order in which they began.

        Args:
            instead: rows by trial that take the place of the stored ones in this table.
        """
        rows = list({**self._rows, **(instead or {})}.values())
        names = list(dict.fromkeys(name for row in rows for name in row))
        return pd.DataFrame(rows, columns=ordered(names)).sort_values("started", kind="stable").reset_index(drop=True)

    def stale(self) -> list[str]:
        """The ids of trials with a folder here that do not belong to the experiment as it is now."""
        return [place.name for place in self._folders() if place.name not in self._current]

    def prune(self) -> list[str]:
        """Remove the folders and rows of the stale trials; returns a line for each."""
        removed = []
        for trial in self.stale():
            row = self._rows.pop(trial, {})
            shutil.rmtree(self.folder / "trials" / trial)
            known = [f"{name} {row[name]}" for name in ("variant", "engine", "seed", "status") if name in row]
            removed.append(f"removed the stale trial {trial} ({', '.join(known) or 'without a result'})")
        if removed:
            self.write()
        return removed

    def write(self) -> None:
        """Write both tables anew."""
        self._write_trials()
        self._keys = ["trial", "variant", "engine", "dtype", "seed", *self._swept_columns()]
        rows = [row for trial in self._rows for row in self._epochs(trial)]
        names = list(dict.fromkeys([*self._keys, *_EPOCH_COLUMNS, *(name for row in rows for name in row)]))
        self._epoch_names = names
        write_text(self.folder / _EPOCHS, pd.DataFrame(rows, columns=names).to_csv(index=False))

    def _folders(self) -> list[Path]:
        trials = self.folder / "trials"
        return sorted(place for place in trials.iterdir() if place.is_dir()) if trials.is_dir() else []

    def _row(self, trial: str, result: Mapping[str, Any]) -> dict[str, Any]:
        """A result as a row; a current trial has the names that the experiment gives it now."""
        labels = self._current.get(trial, {})
        return {"trial": trial, "status": "failed", **result, **labels, "stale": trial not in self._current}

    def _write_trials(self) -> None:
        write_text(self.folder / _TABLE, self.table().to_csv(index=False))

    def _swept_columns(self) -> list[str]:
        names = dict.fromkeys(name for row in self._rows.values() for name in row)
        return [
            name
            for name in names
            if any(f"{name}.".startswith(key) or key.startswith(f"{name}.") for key in self._swept)
        ]

    def _epochs(self, trial: str) -> list[dict[str, Any]]:
        path = self.folder / "trials" / trial / EPOCHS
        rows = read_or_set_aside(path, list, "epochs.csv has no rows of this trial", self.notes) or []
        key = {name: self._rows[trial].get(name) for name in self._keys}
        return [{**key, **row} for row in rows if isinstance(row, dict)]

    def _append_epochs(self, trial: str) -> None:
        rows = self._epochs(trial)
        if not set(self._swept_columns()) <= set(self._keys) or any(set(row) - set(self._epoch_names) for row in rows):
            self.write()
        elif rows:
            with (self.folder / _EPOCHS).open("a", encoding="utf-8") as stream:
                stream.write(pd.DataFrame(rows, columns=self._epoch_names).to_csv(index=False, header=False))


def is_done(results: Path, trial: str) -> bool:
    """Whether an experiment's results folder holds a result of a trial that a new run would only repeat."""
    return has_result(results / "trials" / trial)


def test_images(folder: Path, trial: str) -> ImageOutcomes | None:
    """Which test images a trial got right, and its losses; None where the trial kept none.

    Args:
        folder: the results folder of the experiment.
        trial: the id of the trial.
    """
    return read_images(folder / "trials" / trial)


def claim(folder: Path, file: Path) -> None:
    """Make a results folder, and remember which experiment's file it belongs to.

    Raises:
        LabError: The folder holds the results of another file of the same name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _OWNER
    notes: list[str] = []
    known = read_or_set_aside(path, dict, "it is written again", notes)
    own = os.path.relpath(file.resolve(), folder.resolve())
    if known is not None and known.get("file") == own:
        return
    if known is not None:
        owner = folder / str(known.get("file"))
        # A file that is gone was moved or renamed: its results go with the file that has its name now.
        if owner.is_file() and not (file.is_file() and owner.samefile(file)):
            raise LabError(
                f"{folder} holds the results of another experiment of this name, {owner.resolve()}; "
                "name another folder with --results, or give one of the two files another name",
                file=file,
            )
    write_json(path, {"file": own})


def read(path: str | Path) -> pd.DataFrame:
    """Read the trials of a results folder, or of a `.csv` file, one row each.

    Raises:
        LabError: There is no table, or the file is not a results table.
    """
    path = Path(path)
    return _read(path / _TABLE if path.is_dir() else path, ("variant", "status"))


def read_epochs(folder: str | Path) -> pd.DataFrame:
    """Read the epochs of all trials in a results folder, one row each.

    Raises:
        LabError: There is no table of epochs.
    """
    return _read(Path(folder) / _EPOCHS, ("trial", "epoch"))


def _read(file: Path, needed: Sequence[str]) -> pd.DataFrame:
    if not file.is_file():
        raise LabError(f"there are no results: {file} is missing; results are written by 'resnet-lab run'")
    try:
        table = pd.read_csv(file, dtype=_TEXTS, keep_default_na=True)
    except (ValueError, UnicodeDecodeError) as error:
        raise LabError(f"is no results table: {error}", file=file) from None
    for column in needed:
        if column not in table:
            raise LabError(f"is no results table: it has no column '{column}'", file=file)
    return table


def read_several(paths: Sequence[Path]) -> pd.DataFrame:
    """Read several results tables into one; with more than one, the column `experiment` names the folder of each.

    Raises:
        LabError: There is no table at one of the paths.
    """
    tables = [read(path) for path in paths]
    if len(tables) == 1:
        return tables[0]
    names = _names([path.parent if path.name == _TABLE else path.with_suffix("") for path in paths])
    named = [table.assign(experiment=name) for table, name in zip(tables, names, strict=True)]
    return pd.DataFrame([row for table in named for row in table.to_dict("records")])


def _names(places: Sequence[Path]) -> list[str]:
    """As few of the last parts of each path as tell the paths apart."""
    whole = [place.resolve().parts for place in places]
    names: list[str] = []
    for length in range(1, max(map(len, whole)) + 1):
        names = ["/".join(parts[-length:]) for parts in whole]
        if len(set(names)) == len(set(whole)):
            break
    return names
