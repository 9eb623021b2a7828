"""Tables of figures that others published, each with its source."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..base.errors import LabError
from ..specs import workspace

TRAINED_WITH = ("data", "epochs")
"""Columns of a table of published figures that say how the trained network was obtained; a cell may be empty."""

COUNTED_FOR = {"macs": ("input",), "params": ()}
"""The columns on which the metrics of an untrained network depend."""


def published(path: Path) -> pd.DataFrame:
    """Read a table of published figures.

    Returns:
        The columns variant, metric (a column of results), value and source; further, where the table has them, `data`
        (the dataset's name), `epochs`, and `input` (the shape of an image, as `3x224x224`), which say how the figure
        was obtained.

    Raises:
        LabError: There is no such file, or the file is not such a table.
    """
    if not path.is_file():
        raise LabError(f"there is no table of published figures {path}")
    try:
        table = pd.read_csv(path)
    except (ValueError, UnicodeDecodeError) as error:
        raise LabError(f"is no table: {error}", file=path) from None
    for column in ("variant", "metric", "value", "source"):
        if column not in table:
            raise LabError(f"is no table of published figures: it has no column '{column}'", file=path)
    return table


def add_published(table: pd.DataFrame, path: Path, notes: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Put published figures beside the trials of the variants that they belong to.

    Args:
        table: a results table.
        path: a table of published figures.
        notes: receives one message where the trials had other data, another number of epochs, or images of another
            shape than the published figures.

    Returns:
        The table, with a column for each published metric and one for its source; and the names of these columns.
    """
    figures = published(path)
    table, added = table.copy(), []
    for metric, group in figures.groupby("metric", sort=False):
        for column, values in ((f"published_{metric}", "value"), (f"published_by_{metric}", "source")):
            table[column] = table["variant"].map(dict(zip(group["variant"], group[values], strict=True)))
            added.append(column)
    counts = figures["metric"].isin(COUNTED_FOR)
    cases = [(condition, figures[~counts]) for condition in TRAINED_WITH]
    cases += [
        (condition, figures[figures["metric"] == metric]) for metric in COUNTED_FOR for condition in COUNTED_FOR[metric]
    ]
    differences = [text for condition, concerned in cases if (text := _difference(table, concerned, condition))]
    if differences:
        notes.append(
            f"the published figures of {path.stem} were obtained under other conditions: " + "; ".join(differences)
        )
    return table, added


def _difference(table: pd.DataFrame, figures: pd.DataFrame, condition: str) -> str:
    """Say how the trials and the published figures of the same variants differ in a condition; '' if they do not."""
    if condition not in table or figures.empty:
        return ""
    stated = figures.drop_duplicates("variant").reindex(columns=["variant", condition])
    pairs = stated.merge(table[["variant", condition]], on="variant")
    theirs, ours = pairs[f"{condition}_x"].map(_name), pairs[f"{condition}_y"].map(_name)
    unlike = theirs != ours
    return f"{condition} {_listed(theirs[unlike])} (these trials: {_listed(ours[unlike])})" if unlike.any() else ""


def _name(value: object) -> str:
    """A dataset's name without that of its folder, a number of epochs without a fraction, or 'not stated'."""
    if pd.isna(value):
        return "not stated"
    return f"{value:g}" if isinstance(value, (int, float)) else str(value).partition(":")[0]


def _listed(values: pd.Series) -> str:
    return ", ".join(dict.fromkeys(values))


def references() -> dict[str, Path]:
    """Tables of published figures by name: those of the working directory, then those of the package."""
    found: dict[str, Path] = {}
    for place in (Path("results/reference"), workspace.shipped("reference", "results/reference")):
        for path in sorted(place.glob("*.csv")):
            found.setdefault(path.stem, path)
    return found
