"""A table with a row for each value of one column, and a column for each value of another."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import pandas as pd

from ..base.errors import LabError, unknown
from .columns import NETWORK, differing, setting_of

EXAMPLE = "depth,family"
FAMILY = "family"
"""The name by which the column `blocks` may be asked for."""


@dataclass(frozen=True)
class Pivot:
    """Which column gives the rows, which gives the columns, and which metric stands in the cells."""

    rows: str
    columns: str
    metric: str = "test_accuracy"


def with_family(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the column `family`: the blocks of a network's stages, such as `basic` or `bottleneck`."""
    known = "blocks" in table and table["blocks"].notna().any()
    return table.assign(**{FAMILY: table["blocks"]}) if known and FAMILY not in table else table


def parse(text: str, table: pd.DataFrame) -> Pivot:
    """Read `ROWS,COLUMNS` or `ROWS,COLUMNS,METRIC`.

    Raises:
        LabError: These are no two or three columns of the table, or the metric holds no numbers.
    """
    names = [name.strip() for name in text.split(",")]
    if len(names) not in (2, 3) or len(set(names)) < len(names):
        raise LabError(f"--pivot takes two different columns and, if wanted, a metric, such as {EXAMPLE}; not '{text}'")
    pivot = Pivot(*names)
    for name in (pivot.rows, pivot.columns, pivot.metric):
        if name == FAMILY and name not in table:
            columns = ", ".join(map(str, table.columns))
            raise LabError(
                f"the family of a network is its blocks, and no trial of the table has any; its columns are {columns}"
            )
        if name not in table:
            raise LabError(unknown("column", name, table.columns))
    if not pd.api.types.is_numeric_dtype(table[pivot.metric]):
        raise LabError(f"--pivot: the column '{pivot.metric}' holds no numbers, so it has no mean")
    return pivot


def pivoted(table: pd.DataFrame, pivot: Pivot) -> pd.DataFrame:
    """Spread the means of a metric over rows and columns.

    Only the seeds of one setting are averaged. Where a cell would mix several settings, each has a row of its own, and
    the settings that differ become columns beside the first.

    Args:
        table: a results table, each trial once.
        pivot: the columns, as `parse` gives them.

    Returns:
        The columns of the rows, then for each value V of `pivot.columns` the columns `METRIC V` and `METRIC V_std`:
        the mean and the standard deviation over the seeds that ended `ok`.
    """
    ok = table[table["status"] == "ok"]
    ok = ok.assign(_setting=setting_of(ok))
    keys = [pivot.rows, *_apart(ok, pivot)]
    figures = ok.groupby([*keys, pivot.columns], dropna=False)[pivot.metric].agg(["mean", "std"]).reset_index()
    made = figures[keys].drop_duplicates().sort_values(keys, kind="stable").reset_index(drop=True)
    for value in figures[pivot.columns].drop_duplicates().sort_values():
        name = f"{pivot.metric} {_head(pivot.columns, value)}"
        mine = figures[pivot.columns].isna() if pd.isna(value) else figures[pivot.columns] == value
        part = figures.loc[mine, [*keys, "mean", "std"]]
        made = made.merge(part.rename(columns={"mean": name, "std": f"{name}_std"}), on=keys, how="left")
    return made


def _apart(ok: pd.DataFrame, pivot: Pivot) -> list[str]:
    """The settings that tell the rows of a cell apart; the network's digest if nothing else does."""
    cell_of = [pivot.rows, pivot.columns]
    several = ok.groupby(cell_of, dropna=False)["_setting"].transform("nunique") > 1
    mixed = [cell for _, cell in ok[several].groupby(cell_of, sort=False, dropna=False)]
    found = dict.fromkeys(name for cell in mixed for name in differing(cell) if name not in astuple(pivot))
    if "variant" in found:  # which says what the other columns of the network say
        found = {name: None for name in found if name == "variant" or name not in NETWORK}
    visible = [pivot.rows, pivot.columns, *found]
    if "graph" in ok and (ok.groupby(visible, dropna=False)["_setting"].nunique() > 1).any():
        found["graph"] = None
    return list(found)


def _head(column: str, value: object) -> str:
    """A value as the head of a column: a text as it is, a number with the name of its column."""
    if isinstance(value, str):
        return value
    return f"{column.rpartition('.')[2]}=" + ("none" if pd.isna(value) else f"{value:g}")
