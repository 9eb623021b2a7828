"""Means over the seeds of one setting, and the best setting of a variant.

Only the seeds of one setting are replicates of each other: trials are averaged within one setting (network, data,
recipe, engine, precision), and never over the values of a grid.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ..base.errors import LabError
from .columns import COST, MACHINE, differing, setting_of, settings

VALIDATION = ("val_accuracy", "best_val_accuracy")
"""The columns by which the best setting may be chosen; choosing by the test set would flatter the choice."""


def averaged(table: pd.DataFrame, by: Sequence[str], shown: Sequence[str]) -> pd.DataFrame:
    """One row for each setting within each value of the columns `by`."""
    table = table.assign(_setting=setting_of(table))
    measured = [
        column
        for column in dict.fromkeys(shown)
        if pd.api.types.is_float_dtype(table[column]) and column not in (*settings(table), *by, "seed")
    ]
    apart = _apart(table, by)
    same = [column for column in (*apart, *shown) if column not in (*by, "status", "reason", "seed", *measured)]
    number = table.groupby([*by, "_setting"], sort=False, dropna=False).ngroup()
    first = table[~number.duplicated()].set_index(number[~number.duplicated()])
    groups, ok = table.groupby(number), table[table["status"] == "ok"]
    rows = first[list(by)].copy()
    for column in same:
        rows[column] = first[column].where(groups[column].nunique(dropna=False) == 1)
    rows["n"] = (table["status"] == "ok").groupby(number).sum()
    rows["not_ok"] = groups.size() - rows["n"]
    of_ok = ok.groupby(number[ok.index])
    means, deviations = (figures.reindex(rows.index) for figures in (of_ok[measured].mean(), of_ok[measured].std()))
    moved = _moved(ok, number).reindex(rows.index, fill_value=False)
    for column in measured:
        known = ~moved | (column not in COST)  # a mean speed over two machines is the speed of neither
        rows[column], rows[f"{column}_std"] = means[column].where(known), deviations[column].where(known)
    numbers = [name for column in measured for name in (column, f"{column}_std")]
    return rows[list(dict.fromkeys([*by, *same, "n", "not_ok", *numbers]))].reset_index(drop=True)


def _moved(ok: pd.DataFrame, number: pd.Series) -> pd.Series:
    """For each group of rows whether they ran in several places."""
    places = [column for column in MACHINE if column in ok]
    place = ok.groupby(places, dropna=False).ngroup() if places else pd.Series(0, index=ok.index)
    return place.groupby(number[ok.index]).nunique() > 1


def _apart(table: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """The settings that differ between trials of one value of `by`; the network's digest if nothing else does."""
    found: dict[str, None] = {}
    for _, group in table.groupby(list(by), sort=False, dropna=False):
        found |= dict.fromkeys(column for column in differing(group) if column not in by)
    visible = [*by, *found]
    if "graph" in table and table.groupby(visible, dropna=False)["_setting"].nunique().gt(1).any():
        found["graph"] = None
    return list(found)


def best_settings(table: pd.DataFrame, by: Sequence[str], metric: str) -> pd.DataFrame:
    """The trials of the setting with the largest mean of a validation metric, for each value of `by`."""
    if metric not in VALIDATION:
        hint = "; a choice by the test set would flatter what was chosen" if metric.startswith("test") else ""
        raise LabError(f"--best takes {' or '.join(VALIDATION)}, not '{metric}'{hint}")
    table = table.assign(_setting=setting_of(table))
    kept = []
    for value, group in table.groupby(list(by), sort=False, dropna=False):
        ok = group[group["status"] == "ok"]
        means = ok.groupby("_setting", sort=False)[metric].mean() if metric in ok else pd.Series(dtype=float)
        if means.isna().all():
            name = " ".join(map(str, value if isinstance(value, tuple) else (value,)))
            raise LabError(
                f"--best {metric}: the trials of {name} that ended ok have no validation figures; "
                "put images aside with 'data.validation', such as --set data.validation=0.1"
            )
        kept.append(group[group["_setting"] == means.idxmax()])
    return pd.concat(kept).sort_index().drop(columns="_setting")
