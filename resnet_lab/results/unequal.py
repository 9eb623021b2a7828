"""Warns when the rows of a table differ in what a comparison must hold fixed, such as the data or the machine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..base.files import read_json
from .store import experiment_names
from .trial_folder import CONFIG

_HELD: dict[str, tuple[str, ...]] = {
    "data": ("data.name", "data.path"),
    "input": ("data.size", "data.name", "data.path"),
    "epochs": ("train.epochs",),
    "dtype": ("precision",),
    "deterministic": (),
    "device": (),
    "processor": (),
    "revision": (),
}
"""The columns that a comparison must hold fixed, each with the keys of a grid that change it on purpose."""

_VALUES = 4
"""The warning names at most this many values of a column."""


def warning(table: pd.DataFrame, paths: Sequence[Path]) -> str | None:
    """Say in which columns the rows that ended `ok` differ, although a comparison must hold them fixed.

    A column that an experiment sweeps itself differs on purpose. Rows of two experiments differ if one sweeps other
    values than the other does.

    Args:
        table: a results table; with several paths, its column `experiment` names the path of each row.
        paths: the results folders, or `.csv` files. What an experiment sweeps is read from the folder of a trial; of a
            `.csv` file it is not known, and nothing counts as swept.

    Returns:
        The warning, with the names of the columns and their values; None if the rows differ in none of them.
    """
    rows = table[table["status"] == "ok"]
    parts = list(rows.groupby("experiment", sort=False)) if "experiment" in rows else [("", rows)]
    places = dict(zip(experiment_names(paths), paths, strict=True)) if "experiment" in rows else {"": paths[0]}
    swept = {name: _swept(places.get(str(name)), part) for name, part in parts}
    found = []
    for column, keys in _HELD.items():
        if column not in rows:
            continue
        kinds: dict[frozenset[str], None] = {}
        for name, part in parts:
            values = [_plain(column, value) for value in part[column].dropna().unique()]
            on_purpose = any(key in swept[name] for key in keys)
            kinds |= dict.fromkeys([frozenset(values)] if on_purpose and values else [frozenset([v]) for v in values])
        if len(kinds) > 1:
            found.append(f"{column} ({_listed([value for kind in kinds for value in sorted(kind)])})")
    return f"the rows differ in what a comparison must hold fixed: {', '.join(found)}" if found else None


def _plain(column: str, value: Any) -> str:
    """A value without what may differ: the number of channels of an image, and which GPU of a machine it was."""
    if column == "input":
        return str(value).partition("x")[2] or str(value)
    if column == "device":
        numbers = re.findall(r"\d+", str(value))
        return str(value).partition(":")[0] + (f" x{len(numbers)}" if len(numbers) > 1 else "")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _listed(values: Sequence[str]) -> str:
    several = list(dict.fromkeys(values))
    hidden = f", and {len(several) - _VALUES} more" if len(several) > _VALUES else ""
    return ", ".join(several[:_VALUES]) + hidden


def _swept(path: Path | None, rows: pd.DataFrame) -> set[str]:
    """The keys that the experiment of a results folder sweeps; none where no trial's folder is there to say it."""
    if path is None or not path.is_dir() or "trial" not in rows:
        return set()
    for trial in rows["trial"]:
        try:
            return set(read_json(path / "trials" / trial / CONFIG).get("swept", ()))
        except (OSError, ValueError):
            continue
    return set()
