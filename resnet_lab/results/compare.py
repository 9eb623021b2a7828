"""Comparison of trials in a table.

Only the seeds of one setting are replicates of each other: trials are averaged within one setting (network, data,
recipe, engine, precision), and never over the values of a grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..base.errors import LabError, unknown
from . import select
from .columns import COST, MACHINE, NETWORK, differing, settings
from .published import add_published, references

SHOWN = [
    "variant",
    "depth",
    "params",
    "macs",
    "status",
    "test_accuracy",
    "train_images_per_s",
    "compute_images_per_s",
    "infer_images_per_s",
    "latency_ms",
    "wall_s",
]
"""The columns that `compare` shows by default, beside those in which trials differ."""

VALIDATION = ("val_accuracy", "best_val_accuracy")
"""The columns by which the best setting may be chosen; choosing by the test set would flatter the choice."""

_COMPARED = ("params", "macs", "test_accuracy", "train_images_per_s")
OF_THE_VARIANT = (*NETWORK, "input", "data.channels", "train.init.weights")
"""Settings in which two variants of one recipe may differ: grey or coloured input, and the weights to start from."""


def compare(
    table: pd.DataFrame,
    *,
    by: str | Sequence[str] | None = None,
    where: str | None = None,
    best: str | None = None,
    sort: str | None = None,
    columns: list[str] | None = None,
    against: str | None = None,
    stale: bool = False,
) -> pd.DataFrame:
    """A table to read: the rows and columns asked for, averaged, sorted, or compared with other figures.

    Args:
        table: a results table, as `store.read` gives it.
        by: one column or several. The trials of one setting become one row: mean and standard deviation over the
            seeds that ended `ok`, and their number `n`. Where trials of one value of `by` have several settings, each
            setting has its row, and the settings that differ become columns.
        where: a condition on the rows; see `select.where`.
        best: `val_accuracy` or `best_val_accuracy`: averages as `by` does (the default is `variant`), and keeps for
            each value of `by` the one setting whose mean of this column is largest.
        sort: a column; `-column` sorts downwards.
        columns: which columns to show, in this order.
        against: a variant of the table (adds the differences to it), or a table of published
            figures: a `.csv` file, or the name of one in `results/reference/`.
        stale: whether to keep the trials that the experiment no longer asks for.

    Returns:
        The table. Its `.attrs["notes"]` is a list of messages that belong to it: which rows were left out, and which
        published figures come from other data or another number of epochs.

    Raises:
        LabError: A column, variant or reference is not there, the condition is wrong, or there is no validation to
            choose the best setting by.
    """
    notes: list[str] = []
    if not stale:
        table, left_out = select.current(table)
        if left_out:
            notes.append(
                f"{left_out} stale trial(s) left out, which the experiment no longer asks for; --stale shows them"
            )
    if where is not None:
        table = select.where(table, where)
    keys = [by] if isinstance(by, str) else list(by or (["variant"] if best else []))
    _check(keys, table)
    if keys:
        table = select.each_once(table)
    shown = _checked(columns, table) if columns else default_columns(table)
    if best is not None:
        table = _best(table, keys, best)
    if against is not None:
        table, added = _against(table, against, best is not None, notes)
        shown += [column for column in added if column not in shown]
    if keys:
        table = _averaged(table, keys, [*shown, *([best] if best else [])])
        shown = list(table.columns)
    if sort:
        _check([sort.lstrip("-")], table)
        table = table.sort_values(sort.lstrip("-"), ascending=not sort.startswith("-"), kind="stable")
    table = table[shown].reset_index(drop=True)
    table.attrs["notes"] = notes
    return table


def _check(columns: Sequence[str], table: pd.DataFrame) -> None:
    for column in columns:
        if column not in table:
            raise LabError(unknown("column", column, table.columns))


def _checked(columns: list[str], table: pd.DataFrame) -> list[str]:
    _check(columns, table)
    return list(dict.fromkeys(columns))


def default_columns(table: pd.DataFrame) -> list[str]:
    """The usual columns, and those settings and places that are not the same in every row."""
    several = [
        column
        for column in ("experiment", "seed", "stale", *MACHINE)
        if column in table and table[column].nunique(dropna=False) > 1 and column != "threads"
    ]
    varied = [column for column in (*differing(table), *several) if column not in SHOWN]
    reasons = ["reason"] if (table["status"] != "ok").any() else []
    shown = [*SHOWN[:4], *varied, *SHOWN[4:], *reasons]
    return [column for column in shown if column in table]


def setting_of(table: pd.DataFrame) -> pd.Series:
    """For each row the setting, equal for replicates; a table without the column `setting` has it from the others."""
    if "setting" in table and table["setting"].notna().all():
        return table["setting"]
    texts = table[settings(table)].astype(str).agg("|".join, axis=1) if len(table) else pd.Series(dtype=str)
    return table["setting"].fillna(texts) if "setting" in table else texts


def _averaged(table: pd.DataFrame, by: Sequence[str], shown: Sequence[str]) -> pd.DataFrame:
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


def _best(table: pd.DataFrame, by: Sequence[str], metric: str) -> pd.DataFrame:
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


def _against(table: pd.DataFrame, name: str, best: bool, notes: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """The table with columns of comparison, and the names of these columns."""
    if name in set(table["variant"]):
        return _against_variant(table, name, best, notes)
    known = references()
    file = Path(name) if name.endswith(".csv") else known.get(name)
    if file is None:
        raise LabError(unknown("variant or reference", name, [*table["variant"], *known]))
    return add_published(table, file, notes)


def _against_variant(table: pd.DataFrame, name: str, best: bool, notes: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Differences to, and ratios over, the mean of a variant's trials.

    Each trial is compared with the variant's trials of the same recipe, data and engine. Where each variant is shown at
    its best setting, the variant's best setting is the reference, though its recipe may differ.
    """
    table = table.copy()
    recipe = [] if best else [column for column in settings(table) if column not in OF_THE_VARIANT]
    texts = table[recipe].astype(str).agg("|".join, axis=1) if recipe else pd.Series("", index=table.index)
    base = (table["variant"] == name) & (table["status"] == "ok")
    alone = (table["status"] == "ok") & ~texts.isin(texts[base])
    if alone.any():
        notes.append(f"{alone.sum()} trial(s) are compared with nothing: {name} has no trial of the same settings")
    added = []
    for column in (column for column in _COMPARED if column in table):
        reference = texts.map(table[base].groupby(texts[base])[column].mean())
        if column == "test_accuracy":
            added.append(f"{column}_minus_{name}")
            table[added[-1]] = table[column] - reference
        else:
            added.append(f"{column}_over_{name}")
            table[added[-1]] = table[column] / reference
    return table, added
