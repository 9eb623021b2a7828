"""Comparison of trials in a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..base.errors import LabError, unknown
from . import select
from .averages import averaged, best_settings
from .columns import MACHINE, NETWORK, differing, settings
from .pareto import goals, is_pareto
from .pivot import parse, pivoted, with_family
from .published import add_published, references
from .unequal import warning

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
    columns: Sequence[str] | None = None,
    against: str | None = None,
    stale: bool = False,
    pivot: str | None = None,
    pareto: str | Sequence[str] | None = None,
    paths: Sequence[Path] = (),
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
        pivot: `ROWS,COLUMNS` or `ROWS,COLUMNS,METRIC`; see `pivot.pivoted`.
        pareto: columns such as `test_accuracy,-macs`; adds the column `is_pareto`; see `pareto.is_pareto`.
        paths: the results folders of the table, for the warning about rows that cannot be compared.

    Returns:
        The table. Its `.attrs["notes"]` is a list of messages that belong to it: which rows were left out, in what
        the rows differ although a comparison holds it fixed (only if `paths` are given), and which published figures
        come from other data or another number of epochs.

    Raises:
        LabError: A column, variant or reference is not there, the condition is wrong, or there is no validation to
            choose the best setting by.
    """
    if pivot is not None and (by or against or columns or pareto):
        raise LabError("--pivot goes with --where, --best, --sort and --stale alone")
    notes: list[str] = []
    keys = [by] if isinstance(by, str) else list(by or (["variant"] if best else []))
    table = rows(table, notes, where=where, stale=stale, paths=paths)
    _check(keys, table)
    if keys:
        table = select.each_once(table)
    if best is not None:
        table = best_settings(table, keys, best)
    if pivot is not None:
        table = pivoted(select.each_once(table), parse(pivot, table))
        return _finished(table, sort, list(table.columns), notes)
    shown = _checked(columns, table) if columns else default_columns(table)
    if against is not None:
        table, added = _against(table, against, best is not None, notes)
        shown += [column for column in added if column not in shown]
    wanted = goals(pareto, table) if pareto is not None else []
    shown += [goal.column for goal in wanted if goal.column not in shown]
    if keys:
        table = averaged(table, keys, [*shown, *([best] if best else [])])
        shown = list(table.columns)
    if wanted:
        table = table.assign(is_pareto=is_pareto(table, wanted))
        shown.append("is_pareto")
    return _finished(table, sort, shown, notes)


def rows(
    table: pd.DataFrame, notes: list[str], *, where: str | None = None, stale: bool = False, paths: Sequence[Path] = ()
) -> pd.DataFrame:
    """The trials that a comparison takes, with the column `family`.

    Args:
        table: a results table.
        notes: receives the messages about the rows; see `compare`.
        where: a condition on the rows.
        stale: whether to keep the trials that the experiment no longer asks for.
        paths: the results folders of the table; see `unequal.warning`.
    """
    if not stale:
        table, left_out = select.current(table)
        if left_out:
            notes.append(
                f"{left_out} stale trial(s) left out, which the experiment no longer asks for; --stale shows them"
            )
    table = with_family(table)
    if where is not None:
        table = select.where(table, where)
    if paths and (unequal := warning(table, paths)):
        notes.append(f"warning: {unequal}")
    return table


def _finished(table: pd.DataFrame, sort: str | None, shown: Sequence[str], notes: list[str]) -> pd.DataFrame:
    """The table in its order, with the columns that are shown and the messages that belong to it."""
    if sort:
        _check([sort.lstrip("-")], table)
        table = table.sort_values(sort.lstrip("-"), ascending=not sort.startswith("-"), kind="stable")
    table = table[list(shown)].reset_index(drop=True)
    table.attrs["notes"] = notes
    return table


def _check(columns: Sequence[str], table: pd.DataFrame) -> None:
    for column in columns:
        if column not in table:
            raise LabError(unknown("column", column, table.columns))


def _checked(columns: Sequence[str], table: pd.DataFrame) -> list[str]:
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
