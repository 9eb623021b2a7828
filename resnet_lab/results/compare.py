"""Comparison of trials in a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ..base.errors import LabError, unknown
from .published import published, references
from .store import LABELS

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
"""What `compare` shows unless asked otherwise, beside the columns in which trials differ."""


def compare(
    table: pd.DataFrame,
    *,
    by: str | None = None,
    sort: str | None = None,
    columns: list[str] | None = None,
    against: str | None = None,
) -> pd.DataFrame:
    """A table to read: the columns asked for, averaged, sorted, or held against other figures.

    Args:
        by: one row for each value of this column: mean and standard deviation over its `ok` trials, and `n`.
        sort: a column; `-column` sorts downwards.
        columns: which to show, in this order.
        against: a variant of the table (adds the differences to it), or a table of published
            figures: a `.csv` file, or the name of one in `results/reference/`.

    Raises:
        LabError: a column, variant or reference that is not there.
    """
    shown = _checked(columns, table) if columns else _shown(table)
    if against is not None:
        table, added = _against(table, against)
        shown += [column for column in added if column not in shown]
    if by:
        _checked([by], table)
        table = _averaged(table, by, shown)
        shown = list(table.columns)
    if sort:
        _checked([sort.lstrip("-")], table)
        table = table.sort_values(sort.lstrip("-"), ascending=not sort.startswith("-"), kind="stable")
    return table[shown].reset_index(drop=True)


def _checked(columns: list[str], table: pd.DataFrame) -> list[str]:
    for column in columns:
        if column not in table:
            raise LabError(unknown("column", column, table.columns))
    return list(dict.fromkeys(columns))


def _shown(table: pd.DataFrame) -> list[str]:
    """The usual columns, and those settings that are not the same in every row."""
    differing = [
        column
        for column in table.columns
        if column not in (*SHOWN, "trial", "blocks")
        and (column in (*LABELS, "device", "compile", "processor", "experiment") or "." in column)
        and table[column].nunique(dropna=False) > 1
    ]
    reasons = ["reason"] if (table["status"] != "ok").any() else []
    shown = [*SHOWN[:4], *differing, *SHOWN[4:], *reasons]
    return [column for column in shown if column in table]


def _averaged(table: pd.DataFrame, by: str, shown: list[str]) -> pd.DataFrame:
    settings = [by, *LABELS, *(column for column in shown if "." in column)]
    metrics = [column for column in shown if pd.api.types.is_float_dtype(table[column]) and column not in settings]
    same = [column for column in shown if column not in (by, "status", "reason", *metrics)]
    rows = []
    for value, group in table.groupby(by, sort=False, dropna=False):
        fine = group[group["status"] == "ok"]
        row: dict[str, Any] = {by: value}
        row |= {column: group[column].iloc[0] for column in same if group[column].nunique(dropna=False) == 1}
        row |= {"n": len(fine), "not_ok": len(group) - len(fine)}
        for column in metrics:
            row[column] = fine[column].mean()
            row[f"{column}_std"] = fine[column].std(ddof=1)
        rows.append(row)
    numbers = [name for metric in metrics for name in (metric, f"{metric}_std")]
    return pd.DataFrame(rows, columns=list(dict.fromkeys([by, *same, "n", "not_ok", *numbers])))


def _against(table: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[str]]:
    """The table with columns of comparison, and their names."""
    table = table.copy()
    if name in set(table["variant"]):
        base = table[(table["variant"] == name) & (table["status"] == "ok")]
        added = []
        for column in ("params", "macs", "test_accuracy", "train_images_per_s"):
            reference = base[column].mean()
            if column == "test_accuracy":
                table[f"{column}_minus_{name}"] = table[column] - reference
                added.append(f"{column}_minus_{name}")
            else:
                table[f"{column}_over_{name}"] = table[column] / reference
                added.append(f"{column}_over_{name}")
        return table, added
    known = references()
    file = Path(name) if name.endswith(".csv") else known.get(name)
    if file is None:
        raise LabError(unknown("variant or reference", name, [*table["variant"], *known]))
    figures = published(file)
    added = []
    for metric, group in figures.groupby("metric", sort=False):
        column = f"published_{metric}"
        table[column] = table["variant"].map(dict(zip(group["variant"], group["value"], strict=True)))
        added.append(column)
    table["published_by"] = table["variant"].map(dict(zip(figures["variant"], figures["source"], strict=True)))
    return table, [*added, "published_by"]
