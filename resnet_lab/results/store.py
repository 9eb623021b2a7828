"""The results folder of one experiment: one file a trial, and two tables, plain pandas in long form.

`trials/ID/` keeps each trial: `trial.json` (what ran), `result.json` (its whole row of `trials.csv`), `epochs.json`,
`weights.safetensors`, `test.npz` (which test images it got right), `log.txt`. These files are the truth; the tables are
made from them. They are read once, when a run begins, and each trial that ends appends its lines to the tables. A table
is written anew, beside the old one and then renamed, only when a run begins and the table is not right, when a row is
replaced, or when a row has a new column. A kill at any instant leaves readable tables and loses no finished trial.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..base.errors import LabError
from ..base.files import read_json, write_json, write_text
from .columns import ordered
from .csv_file import EPOCH_TABLE, TABLE, append, is_whole, to_lines, whole_lines, without_cut_line
from .epoch_table import EpochTable
from .images import ImageOutcomes
from .images import read as read_images
from .trial_folder import RESULT, has_result, read_or_set_aside, recover

_OWNER = "experiment.json"
_TEXTS = dict.fromkeys(("trial", "setting", "graph", "reason", "revision"), str)
_EPOCH_KEYS = ["trial", "variant", "engine", "dtype", "seed"]
"""The columns of a trial that its rows in `epochs.csv` repeat, before those of the experiment's grid."""


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
        self._epochs, self._epoch_keys = EpochTable(folder, self._epoch_key, self.notes), list[str]()
        recover(folder / "trials")
        self._columns = next(whole_lines(folder / TABLE), "").rstrip("\n").split(",")
        self._places: dict[str, int] = {}
        self._rows: dict[str, list[Any]] = {}
        for place in self._folders():
            consequence = "the trial runs again" if place.name in current else "the trial is left out of trials.csv"
            result = read_or_set_aside(place / RESULT, dict, consequence, self.notes)
            if result is not None:
                self._put(place.name, self._row(place.name, result))
        self.write()

    def status(self, trial: str) -> str | None:
        """How a trial ended; None where it has no result."""
        return str(self._value(trial, "status")) if trial in self._rows else None

    def epochs(self, trial: str) -> list[dict[str, Any]]:
        """The rows of the epochs that the result of a trial counts; none where it has no result."""
        count = self._value(trial, "epochs_done") if trial in self._rows else None
        return self._epochs.rows(trial)[:count] if count else []

    def has_test_curve(self, trial: str) -> bool:
        """Whether a trial was tested after its epochs, and not only at its end."""
        return any("test_accuracy" in row for row in self._epochs.rows(trial))

    def add(self, trial: str) -> dict[str, Any]:
        """Take up the result that a trial's folder holds now: extend the tables, and return the trial's row.

        No file of another trial is read, unless the row replaces an older one or has a new column.
        """
        row = self._row(trial, read_json(self.folder / "trials" / trial / RESULT))
        is_plain = trial not in self._rows and set(row) <= set(self._columns)
        self._put(trial, row)
        if not is_plain or not self._epochs.append(trial):
            self.write()
        else:
            append(self.folder / TABLE, self._lines([trial]))
        return row

    def table(self, instead: Mapping[str, dict[str, Any]] | None = None) -> pd.DataFrame:
        """One row for each trial with a result, in the order in which they began, as `read` gives them.

        Args:
            instead: rows by trial that take the place of the stored ones in this table.
        """
        if instead:
            names = ordered([*self._columns, *(name for row in instead.values() for name in row)])
            stored = self._values([trial for trial in self._rows if trial not in instead], names)
            rows = [*stored, *([row.get(name) for name in names] for row in instead.values())]
            table = _frame(io.StringIO("".join(to_lines([names, *rows]))))
        else:
            table = read(self.folder)
        return table.sort_values("started", kind="stable").reset_index(drop=True)

    def stale(self) -> list[str]:
        """The ids of trials with a folder here that do not belong to the experiment as it is now."""
        return [place.name for place in self._folders() if place.name not in self._current]

    def prune(self) -> list[str]:
        """Remove the folders and rows of the stale trials; returns a line for each."""
        removed = []
        for trial in self.stale():
            known = []
            if trial in self._rows:
                values = {name: self._value(trial, name) for name in ("variant", "engine", "seed", "status")}
                known = [f"{name} {value}" for name, value in values.items() if value is not None]
                del self._rows[trial]
            shutil.rmtree(self.folder / "trials" / trial)
            removed.append(f"removed the stale trial {trial} ({', '.join(known) or 'without a result'})")
        if removed:
            self.write()
        return removed

    def write(self) -> None:
        """Bring both tables up to date: write anew what is not right.

        `epochs.csv` comes first. If this process is killed before `trials.csv` is written, the next run sees which rows
        have changed, and takes their epochs from the trials' own files again.
        """
        self._columns = ordered([*(name for name in self._columns if name in self._places), *self._places])
        order = sorted(self._rows, key=lambda trial: str(self._value(trial, "started")))
        header, lines = to_lines([self._columns])[0], self._lines(order)
        path = self.folder / TABLE
        before = list(whole_lines(path))
        same = set(before) if before[:1] == [header] else set()
        epochs = {
            trial: self._value(trial, "epochs_done") for trial, line in zip(order, lines, strict=True) if line in same
        }
        self._epoch_keys = [*_EPOCH_KEYS, *self._swept_columns()]
        self._epochs.write(
            self._epoch_keys, order, {trial: count for trial, count in epochs.items() if count is not None}
        )
        if before != [header, *lines] or not is_whole(path):
            write_text(path, "".join([header, *lines]))

    def _folders(self) -> list[Path]:
        trials = self.folder / "trials"
        return sorted(place for place in trials.iterdir() if place.is_dir()) if trials.is_dir() else []

    def _row(self, trial: str, result: Mapping[str, Any]) -> dict[str, Any]:
        """A result as a row; a current trial has the names that the experiment gives it now."""
        labels = self._current.get(trial, {})
        return {"trial": trial, "status": "failed", **result, **labels, "stale": trial not in self._current}

    def _put(self, trial: str, row: Mapping[str, Any]) -> None:
        """Keep a row as a list of its values: 10,000 mappings with their own keys would take 100 MB."""
        for name in row:
            self._places.setdefault(name, len(self._places))
        values: list[Any] = [None] * len(self._places)
        for name, value in row.items():
            values[self._places[name]] = sys.intern(value) if isinstance(value, str) else value
        self._rows[trial] = values

    def _value(self, trial: str, name: str) -> Any:
        """The value of a row in a column; None where the row has none."""
        row, place = self._rows[trial], self._places.get(name, sys.maxsize)
        return row[place] if place < len(row) else None

    def _values(self, trials: Iterable[str], names: Sequence[str]) -> Iterator[list[Any]]:
        """The values of rows in the columns `names`."""
        places = [self._places.get(name, -1) for name in names]
        for trial in trials:
            row = self._rows[trial]
            padded = [*row, *[None] * (len(self._places) + 1 - len(row))]  # the last value stands for no column
            yield [padded[place] for place in places]

    def _lines(self, trials: Iterable[str]) -> list[str]:
        return to_lines(self._values(trials, self._columns))

    def _swept_columns(self) -> list[str]:
        return [
            name
            for name in self._places
            if any(f"{name}.".startswith(key) or key.startswith(f"{name}.") for key in self._swept)
        ]

    def _epoch_key(self, trial: str) -> list[Any]:
        return [self._value(trial, name) for name in self._epoch_keys]


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

    A last line of `trials.csv` that is not whole is left out: its trial ends just now, or the run was killed then. The
    next run writes this line again.

    Raises:
        LabError: There is no table, or the file is not a results table.
    """
    path = Path(path)
    return _read(path / TABLE if path.is_dir() else path, ("variant", "status"))


def read_epochs(folder: str | Path) -> pd.DataFrame:
    """Read the epochs of all trials in a results folder, one row each.

    Raises:
        LabError: There is no table of epochs.
    """
    return _read(Path(folder) / EPOCH_TABLE, ("trial", "epoch"))


def _read(file: Path, needed: Sequence[str]) -> pd.DataFrame:
    if not file.is_file():
        raise LabError(f"there are no results: {file} is missing; results are written by 'resnet-lab run'")
    if file.suffix in (".yaml", ".yml"):
        raise LabError(f"is no results table: name the results folder, such as results/{file.stem}", file=file)
    try:
        table = _frame(without_cut_line(file))
    except (ValueError, UnicodeDecodeError) as error:
        raise LabError(f"is no results table: {error}", file=file) from None
    for column in needed:
        if column not in table:
            raise LabError(f"is no results table: it has no column '{column}'", file=file)
    return table


def _frame(source: Path | io.BytesIO | io.StringIO) -> pd.DataFrame:
    return pd.read_csv(source, dtype=_TEXTS, keep_default_na=True, float_precision="round_trip")


def read_several(paths: Sequence[Path]) -> pd.DataFrame:
    """Read several results tables into one; with more than one, the column `experiment` names the folder of each.

    Raises:
        LabError: There is no table at one of the paths.
    """
    tables = [read(path) for path in paths]
    if len(tables) == 1:
        return tables[0]
    names = experiment_names(paths)
    named = [table.assign(experiment=name) for table, name in zip(tables, names, strict=True)]
    return pd.DataFrame([row for table in named for row in table.to_dict("records")])


def experiment_names(paths: Sequence[Path]) -> list[str]:
    """The name of each results folder in the column `experiment`: as few of its last parts as tell the paths apart."""
    places = [path.parent if path.name == TABLE else path.with_suffix("") for path in paths]
    whole = [place.resolve().parts for place in places]
    names: list[str] = []
    for length in range(1, max(map(len, whole)) + 1):
        names = ["/".join(parts[-length:]) for parts in whole]
        if len(set(names)) == len(set(whole)):
            break
    return names
