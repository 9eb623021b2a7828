"""How populations of networks look on a terminal: their errors, and what tells one population from another."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import LabError
from .tables import Column, blocks, print_columns, terminal_width, written

if TYPE_CHECKING:
    import pandas as pd

_HEADS = {"q25": "25 %", "q75": "75 %"}


def print_edf(
    table: pd.DataFrame,
    by: list[str] | None,
    baseline: str | None,
    where: str | None,
    metrics: list[str] | None,
    plot: Path | None,
    format: str,
) -> None:
    """Print how populations of networks compare: `compare --edf`.

    Args:
        table: a results table.
        by: the columns whose values tell the populations apart; None for the usual ones.
        baseline: the population with which the others are compared; None for the first.
        where: a condition on the rows.
        metrics: one accuracy; None for that of the test set.
        plot: a file to draw the distributions into.
        format: how the table is written, as `compare --format` says it.

    Raises:
        LabError: As `results.edf.populations`, `summary` and `plot`; or several accuracies are named.
    """
    from ..results import edf, select

    if metrics is not None and len(metrics) != 1:
        raise LabError("--edf compares one accuracy: --columns names one column, such as val_accuracy")
    if where is not None:
        table = select.where(table, where)
    found = edf.populations(table, by, *(metrics or []))
    summary = edf.summary(found, baseline)
    if plot is not None:
        edf.plot(found, plot)
    if format == "table":
        show(summary, edf.notes(found))
    else:
        print(written(summary, format))


def show(summary: pd.DataFrame, notes: list[str], alpha: float = 0.05) -> None:
    """Print what `results.edf.summary` and `results.edf.notes` gave, so that it fits the terminal."""
    width = terminal_width()
    for index, part in enumerate(blocks(_columns(summary), width)):
        if index:
            print()
        print_columns(part, width)
    print()
    base = next(row["population"] for _, row in summary.iterrows() if math.isnan(row["p"]))
    others = summary[summary["population"] != base]
    corrected = f", corrected for {len(others)} populations" if len(others) > 1 else ""
    for _, row in others.iterrows():
        found = "the distributions of the errors differ" if row["p"] <= alpha else "no difference is shown"
        _print(f"{row['population']} against {base}: {found}; p is {row['p']:.2g}{corrected}", width)
    for line in notes:
        _print(f"note: {line}", width)


def _columns(summary: pd.DataFrame) -> list[Column]:
    """The columns as texts; a share stands together with its band."""
    columns = []
    for name in summary.columns:
        values = summary[name]
        if name.endswith(("_low", "_high")):
            continue
        if name == "population":
            columns.append(Column(name, name, tuple(map(str, values))))
            continue
        if name.startswith("below_"):
            bands = zip(values, summary[f"{name}_low"], summary[f"{name}_high"], strict=True)
            cells = [f"{share:.2f} ({low:.2f}-{high:.2f})" for share, low, high in bands]
        elif name == "n":
            cells = [str(value) for value in values]
        else:
            digits = ".2g" if name == "p" else ".4f"
            cells = ["" if math.isnan(value) else f"{value:{digits}}" for value in values]
        columns.append(Column(name, _HEADS.get(name, name.replace("_", " ")), tuple(cells), right=True))
    return columns


def _print(text: str, width: int) -> None:
    print(textwrap.fill(text, width, subsequent_indent="  ", break_on_hyphens=False))
