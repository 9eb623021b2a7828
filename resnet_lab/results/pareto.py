"""Marks the rows of a table that no other row beats: the Pareto front over any columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..base.errors import LabError, unknown

EXAMPLE = "test_accuracy,-macs"


@dataclass(frozen=True)
class Goal:
    """A column and the direction in which its values are better."""

    column: str
    less_is_better: bool


def goals(names: str | Sequence[str], table: pd.DataFrame) -> list[Goal]:
    """Read goals such as `test_accuracy,-macs`; a minus means that less is better.

    Args:
        names: the columns, as a list or as a text with commas between them.
        table: the table, whose columns they have to be.

    Raises:
        LabError: There are fewer than two different columns, a column is not there, or it holds no numbers.
    """
    parts = [part.strip() for part in (names.split(",") if isinstance(names, str) else names)]
    found = [Goal(part.removeprefix("-"), part.startswith("-")) for part in parts]
    if len({goal.column for goal in found}) < 2 or len({goal.column for goal in found}) < len(found):
        raise LabError(f"--pareto takes two or more different columns, such as {EXAMPLE}")
    for goal in found:
        if goal.column not in table:
            raise LabError(unknown("column", goal.column, table.columns))
        values = table[goal.column]
        if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            raise LabError(f"--pareto: the column '{goal.column}' holds no numbers")
    return found


def is_pareto(table: pd.DataFrame, wanted: Sequence[Goal]) -> pd.Series:
    """For each row whether it is on the Pareto front.

    A row is on the front if no other row is at least as good in every column and better in one. A row without a value
    in one of the columns is not on the front, nor is a trial that did not end `ok`.

    Args:
        table: one row for each trial, or for each mean over the seeds.
        wanted: the columns, as `goals` gives them.
    """
    signs = [-1.0 if goal.less_is_better else 1.0 for goal in wanted]
    values = table[[goal.column for goal in wanted]].to_numpy(np.float64) * signs
    on_front = ~np.isnan(values).any(axis=1)
    if "status" in table:
        on_front &= (table["status"] == "ok").to_numpy()
    # A row can be beaten only by rows that come before it in this order, so most rows are struck out early.
    for row in np.lexsort(values.T[::-1])[::-1]:
        if on_front[row]:
            beaten = (values <= values[row]).all(axis=1) & (values < values[row]).any(axis=1)
            on_front &= ~beaten
    return pd.Series(on_front, index=table.index)
