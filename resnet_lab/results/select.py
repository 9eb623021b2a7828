"""Which rows of a results table a comparison takes: the current trials, a condition, the best settings."""

from __future__ import annotations

import pandas as pd

from ..base.condition import Condition
from ..base.errors import LabError, unknown

EXAMPLE = "params < 30e6 and variant != 'resnet18'"


def current(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The trials that are not stale, and how many are.

    A trial is stale when the experiment's file, as it was last run, no longer asks for it.
    """
    if "stale" not in table:
        return table, 0
    stale = table["stale"].eq(True)
    return table[~stale], int(stale.sum())


def each_once(table: pd.DataFrame) -> pd.DataFrame:
    """The table with one row for each trial id: a trial that is in two folders counts once, as `ok` if it is in one."""
    if "trial" not in table:
        return table
    best_first = table.assign(_failed=table["status"] != "ok").sort_values("_failed", kind="stable")
    return table.loc[best_first.drop_duplicates("trial").index.sort_values()]


def where(table: pd.DataFrame, condition: str) -> pd.DataFrame:
    """The rows for which a condition holds.

    Args:
        table: a results table.
        condition: comparisons of columns with numbers, texts and lists, joined with `and`, `or` and `not`, such as
            `params < 30e6 and train.optimizer.name == 'sgd'`. A column whose name is no Python name stands in
            backticks. Nothing else is evaluated.

    Raises:
        LabError: The condition does not parse, names no column, or compares a text with a number.
    """

    def column(name: str) -> pd.Series:
        if name not in table:
            hint = "; a text stands in quotes, such as variant == 'resnet18'" if "." not in name else ""
            raise LabError(f"'{condition}': " + unknown("column", name, table.columns) + hint)
        return table[name]

    try:
        return table[Condition(condition, EXAMPLE).evaluate(column)]
    except LabError as error:
        raise LabError(f"--where {error.message}") from None
