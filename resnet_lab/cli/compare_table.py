"""How a results table looks on a terminal: short heads, deviations beside their means, and what fits the width."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from .tables import Column, blocks, fitting, print_columns, rounded, terminal_width

if TYPE_CHECKING:
    import pandas as pd

_DISPENSABLE = (
    "published_by_",
    "infer_images_per_s",
    "latency_ms",
    "wall_s",
    "compute_images_per_s",
    "device",
    "compile",
    "processor",
    "macs",
    "train_images_per_s",
    "depth",
    "params",
    "macs_over_",
    "train_images_per_s_over_",
    "params_over_",
)
"""Columns that a narrow terminal loses, the first one first; a name that ends in _ means all that begin so.

The others are settings, accuracies and differences of accuracy.
"""


def show(table: pd.DataFrame, *, every_column: bool = False) -> None:
    """Print a results table that fits the terminal.

    Args:
        table: The table as `results.compare.compare` gives it.
        every_column: Print all columns, in several tables below each other where one is too wide. Otherwise, columns
            that do not fit are left out, and a last line says how to see them.
    """
    width = terminal_width()
    columns = _columns(table, keep_all=every_column)
    parts = blocks(columns, width) if every_column else [fitting(columns, width, _DISPENSABLE)]
    for index, part in enumerate(parts):
        if index:
            print()
        print_columns(part, width)
    if every_column:
        return
    if "reason" in table:
        for row, (name, reason) in enumerate(zip(table.iloc[:, 0], table["reason"], strict=True), 1):
            if isinstance(reason, str) and reason:
                print(textwrap.fill(f"row {row} ({name}): {reason}", width, subsequent_indent="  "))
    if len(parts[0]) < len(columns):
        hidden = f"{len(columns) - len(parts[0])} column(s) left out"
        print(textwrap.fill(f"{hidden}; 'compare' shows them with --columns all or --format csv", width))


def _columns(table: pd.DataFrame, *, keep_all: bool) -> list[Column]:
    """The columns of a results table with short heads; a standard deviation stands beside its mean.

    Unless all are kept, a column without a value is dropped, and so is a column that says that all went well. The
    reasons are printed below the table.
    """
    texts, numeric = rounded(table)
    heads = _heads(list(table.columns))
    columns = []
    for name in table.columns:
        if name.endswith("_std") and name.removesuffix("_std") in table:
            continue
        cells = list(texts[name])
        dull = not any(cells) or name == "reason" or _DULL.get(name) == set(cells)
        if dull and not keep_all:
            continue
        if f"{name}_std" in table and (table[f"{name}_std"] > 0).any():
            cells = [_with_deviation(cell, std) for cell, std in zip(cells, table[f"{name}_std"], strict=True)]
        columns.append(Column(name, heads[name], tuple(cells), right=name in numeric))
    return columns


_DULL = {"status": {"ok"}, "not_ok": {"0"}}
"""Columns that say nothing where they hold this value alone."""


def _with_deviation(mean: str, deviation: float) -> str:
    """'125.9' and 1.291 as '125.9 ±1.3': the deviation has as many decimals as the mean."""
    if not mean or math.isnan(deviation):
        return mean
    return f"{mean} ±{deviation:.{len(mean.partition('.')[2])}f}"


def _heads(names: list[str]) -> dict[str, str]:
    """A short head for each column: 'lr' for train.optimizer.lr if no other column ends in this way."""
    from ..specs.settings import short_keys

    heads = {}
    for name, short in short_keys(names).items():
        for mark, sign in (("_over_", "/"), ("_minus_", "-")):
            figure, found, base = short.partition(mark)
            if found:
                heads[name] = f"{_plain(figure)} {sign} {base}"
                break
        else:
            heads[name] = _plain(short)
    return heads


def _plain(name: str) -> str:
    """'train_images_per_s' as 'train img/s'."""
    return name.replace("images_per_s", "img/s").replace("accuracy", "acc.").replace("_", " ")
