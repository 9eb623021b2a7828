"""`resnet-lab compare`: trials side by side in a table."""

from __future__ import annotations

import math
import sys
import textwrap
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.errors import LabError

if TYPE_CHECKING:
    import pandas as pd

    from .tables import Column

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


class Format(str, Enum):
    """How a table is written."""

    table = "table"
    csv = "csv"
    markdown = "markdown"
    latex = "latex"
    json = "json"


def command(
    results: Annotated[list[Path], typer.Argument(help="Results folders, or .csv files of trials.")],
    by: Annotated[
        str | None,
        typer.Option(
            help="Print the mean and the standard deviation over the seeds, for each value of these columns (with "
            "commas between them). Trials of different settings are never averaged: each setting has its row."
        ),
    ] = None,
    where: Annotated[
        str | None, typer.Option(help="Take only the trials for which this condition holds, such as 'params < 30e6'.")
    ] = None,
    best: Annotated[
        str | None,
        typer.Option(
            help="val_accuracy or best_val_accuracy: print each variant (or each value of --by) at the setting whose "
            "validation accuracy is best."
        ),
    ] = None,
    sort: Annotated[str | None, typer.Option(help="Sort by this column; -COLUMN sorts downwards.")] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="The columns to print, with commas between them, or 'all'. If left out, those that fit."),
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="Compare with a variant of the table, or with a table of published figures.")
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="Judge each variant against this one: better, worse, same or undecided, from runs paired by their "
            "seed. Goes with --where, --columns (the metrics to judge), --smallest and --format."
        ),
    ] = None,
    smallest: Annotated[
        list[str] | None,
        typer.Option(
            help="METRIC=VALUE: the difference that would matter, such as test_accuracy=0.003, instead of the "
            "experiment's; repeatable. With --baseline."
        ),
    ] = None,
    edf: Annotated[
        bool,
        typer.Option(
            "--edf",
            help="Compare populations of networks by the distributions of their errors. Populations are told apart by "
            "the variant, with several folders by the folder, or by the columns of --by. Goes with --where, "
            "--baseline, --columns (one accuracy), --plot and --format.",
        ),
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the distributions into this file, such as edf.png. With --edf.")
    ] = None,
    stale: Annotated[
        bool, typer.Option("--stale", help="Show also trials that the experiment no longer asks for.")
    ] = False,
    format: Annotated[
        Format, typer.Option(help="How the table is written; csv and json keep every digit.")
    ] = Format.table,
) -> None:
    """Compare trials in a table.

    Example: `resnet-lab compare results/depth_sweep --sort=-test_accuracy --format markdown`

    Example: `resnet-lab compare results/depth_sweep --by variant --against resnet18`

    Example: `resnet-lab compare results/depth_sweep --best val_accuracy --where 'params < 30e6'`

    Example: `resnet-lab compare results/my_block --baseline resnet18 --smallest test_accuracy=0.003`

    Example: `resnet-lab compare results/widths results/depths --edf --plot edf.png`
    """
    from ..results.compare import compare as compared
    from ..results.store import read_several
    from .edf import print_edf
    from .tables import written

    joined = read_several(results)
    if edf:
        if best or sort or against or smallest or stale:
            raise LabError("--edf goes with --by, --where, --baseline, --columns, --plot and --format alone")
        print_edf(joined, _names(by), baseline, where, _names(columns), plot, format.value)
        return
    if plot is not None:
        raise LabError("--plot draws the distributions that --edf compares; it works only with --edf")
    if baseline is not None:
        if by or best or sort or against or stale:
            raise LabError("--baseline goes with --where, --columns, --smallest and --format alone")
        _show_verdicts(joined, results, baseline, where, _names(columns), smallest or [], format)
        return
    if smallest:
        raise LabError("--smallest is the smallest difference that matters to a verdict; it works only with --baseline")
    table = compared(
        joined,
        by=_names(by),
        where=where,
        best=best,
        sort=sort,
        columns=list(joined.columns) if columns == "all" else _names(columns),
        against=against,
        stale=stale,
    )
    if format is Format.table:
        show(table, every_column=columns is not None)
    else:
        print(written(table, format.value))
    for note in table.attrs["notes"]:
        print(note, file=sys.stderr)


def _show_verdicts(
    table: pd.DataFrame,
    results: list[Path],
    baseline: str,
    where: str | None,
    metrics: list[str] | None,
    smallest: list[str],
    format: Format,
) -> None:
    from ..results import select
    from ..results.design import judge
    from ..results.verdict import frame
    from ..specs import settings
    from .tables import written
    from .verdicts import show as show_verdicts

    limits = {}
    for text in smallest:
        metric, value = settings.parse(text, "--smallest", "test_accuracy=0.003")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
            raise LabError(f"--smallest {text}: the smallest difference that matters is a number above 0")
        limits[metric] = float(value)
    if where is not None:
        table = select.where(table, where)
    found = judge(table, results, baseline, metrics, limits)
    if format is Format.table:
        show_verdicts(found)
    else:
        print(written(frame(found), format.value))


def _names(text: str | None) -> list[str] | None:
    """'variant, engine' as a list of names; None where the option is left out."""
    return None if text is None else [name.strip() for name in text.split(",")]


def show(table: pd.DataFrame, *, every_column: bool = False) -> None:
    """Print a results table that fits the terminal.

    Args:
        table: The table as `results.compare.compare` gives it.
        every_column: Print all columns, in several tables below each other where one is too wide. Otherwise, columns
            that do not fit are left out, and a last line says how to see them.
    """
    from .tables import blocks, fitting, print_columns, terminal_width

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
    from .tables import Column, rounded

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
