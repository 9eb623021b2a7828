"""`resnet-lab compare`: trials side by side in a table."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.errors import LabError

if TYPE_CHECKING:
    import pandas as pd


class PlotKind(str, Enum):
    """What a figure shows."""

    front = "front"
    curves = "curves"
    bars = "bars"


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
    pivot: Annotated[
        str | None,
        typer.Option(
            metavar="ROWS,COLUMNS[,METRIC]",
            help="A row for each value of one column and a column for each value of another, such as depth,family; in "
            "the cells the mean of test_accuracy, or of METRIC. A network's family is its blocks.",
        ),
    ] = None,
    pareto: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN,-COLUMN",
            help="Add the column is_pareto: whether no other row is better in all of these columns. A minus means that "
            "less is better: test_accuracy,-macs.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw a figure into this file, such as front.png, .svg or .pdf; see --plot-kind."),
    ] = None,
    plot_kind: Annotated[
        PlotKind | None,
        typer.Option(
            help="What --plot draws: the accuracy against a cost with its Pareto front (that of --pareto, else "
            "test_accuracy,-macs), learning curves, or bars with intervals. If left out, front; with "
            "--edf, the distributions are drawn."
        ),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="The column that curves and bars show; if left out, the first accuracy.")
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

    Example: `resnet-lab compare results/depthwise_se --best val_accuracy --where 'params < 30e6'`

    Example: `resnet-lab compare results/depth_sweep --pivot depth,family`

    Example: `resnet-lab compare results/depth_sweep --pareto test_accuracy,-macs --plot front.png`

    Example: `resnet-lab compare results/my_block --baseline resnet18 --smallest test_accuracy=0.003`

    Example: `resnet-lab compare results/widths results/depths --edf --plot edf.png`
    """
    from ..results.compare import compare as compared
    from ..results.store import read_several
    from .compare_table import show
    from .edf import print_edf
    from .tables import written

    joined = read_several(results)
    if not len(joined):
        raise LabError("there is no trial to compare: none has ended yet; 'resnet-lab status' shows how far a sweep is")
    if (plot_kind or metric) and (plot is None or edf):
        raise LabError("--plot-kind and --metric say what --plot draws; they work only with --plot and without --edf")
    if edf:
        if best or sort or against or smallest or stale or pivot or pareto:
            raise LabError("--edf goes with --by, --where, --baseline, --columns, --plot and --format alone")
        print_edf(joined, _names(by), baseline, where, _names(columns), plot, format.value)
        _warn(joined, results, where)
        return
    if baseline is not None:
        if by or best or sort or against or stale or pivot or pareto or plot:
            raise LabError("--baseline goes with --where, --columns, --smallest and --format alone")
        _show_verdicts(joined, results, baseline, where, _names(columns), smallest or [], format)
        _warn(joined, results, where)
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
        pivot=pivot,
        pareto=pareto,
        paths=results,
    )
    notes = table.attrs["notes"]
    if plot is not None:
        from ..results.plots import draw

        notes += draw(
            (plot_kind or PlotKind.front).value, plot, joined, results, where=where, pareto=pareto, metric=metric
        )
    if format is Format.table:
        show(table, every_column=columns is not None)
    else:
        print(written(table, format.value))
    for note in notes:
        print(note, file=sys.stderr)


def _warn(table: pd.DataFrame, results: list[Path], where: str | None) -> None:
    """Print in what the compared rows differ although a comparison holds it fixed."""
    from ..results.compare import rows

    notes: list[str] = []
    rows(table, notes, where=where, paths=results)
    for note in notes:
        if note.startswith("warning"):
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
