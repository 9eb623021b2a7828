"""Means over the seeds of one setting, and the best setting of a variant.

Only the seeds of one setting are replicates of each other: trials are averaged within one setting (network, data,
recipe, engine, precision), and never over the values of a grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
    rows = []
    for _, group in table.groupby([*by, "_setting"], sort=False, dropna=False):
        ok = group[group["status"] == "ok"]
        row: dict[str, Any] = {column: group[column].iloc[0] for column in by}
        row |= {column: group[column].iloc[0] for column in same if group[column].nunique(dropna=False) == 1}
        row |= {"n": len(ok), "not_ok": len(group) - len(ok)}
        places = [column for column in MACHINE if column in ok]
        one_machine = not places or len(ok[places].drop_duplicates()) <= 1
        for column in measured:
            if one_machine or column not in COST:  # a mean speed over two machines is the speed of neither
                row |= {column: ok[column].mean(), f"{column}_std": ok[column].std(ddof=1)}
        rows.append(row)
    numbers = [name for column in measured for name in (column, f"{column}_std")]
    return pd.DataFrame(rows, columns=list(dict.fromkeys([*by, *same, "n", "not_ok", *numbers])))


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
