"""The Python functions for tables of results: comparisons, verdicts, distributions of errors, and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd


def verdicts(
    results: str | Path,
    baseline: str | None = None,
    *,
    metrics: Sequence[str] | None = None,
    smallest: Mapping[str, float] | None = None,
    confidence: float | None = None,
) -> pd.DataFrame:
    """Judge the variants of an experiment: better, worse, the same as the baseline, or undecided.

    Args:
        results: The experiment's results folder, or a `trials.csv`.
        baseline: The variant with which the others are compared; that of the experiment if None.
        metrics: Columns of results; if None, the accuracy, the speed of training, the parameters and the multiply-adds.
        smallest: For a metric the difference that would matter; that of the experiment's `decide` if None.
        confidence: Of the intervals; that of the experiment's `decide`, or 0.95, if None.

    Returns:
        A DataFrame with one row for each metric and variant: the mean difference, its interval, the p-value, the word
        and the reason; `results.verdict.Verdict` describes the columns.

    Raises:
        LabError: There is no results table, no such baseline or metric, or the trials have several recipes.
    """
    from .design import judge
    from .store import read
    from .verdict import frame

    path = Path(results)
    return frame(judge(read(path), [path], baseline, metrics, smallest, confidence))


def compare(
    results: str | Path | Sequence[str | Path],
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
    plot: str | Path | None = None,
    plot_kind: Literal["front", "curves", "bars"] = "front",
    metric: str | None = None,
) -> pd.DataFrame:
    """Compare trials in a table, and draw a figure of them.

    Args:
        results: A results folder or a `.csv` file of trials, or a list of them.
        by: Average over the seeds, for each value of these columns; each setting has its row.
        where: Take only the trials for which this condition holds, such as `params < 30e6`.
        best: `val_accuracy` or `best_val_accuracy`: each variant at its setting with the best validation accuracy.
        sort: A column; `-column` sorts downwards.
        columns: The columns of the table; if None, the usual ones and those in which the trials differ.
        against: A variant, or a table of published figures: a `.csv` file, or a name such as `he2015_cifar10`.
        stale: Keep the trials that the experiment no longer asks for.
        pivot: `ROWS,COLUMNS` or `ROWS,COLUMNS,METRIC`, such as `depth,family`.
        pareto: Columns such as `test_accuracy,-macs`: adds the column `is_pareto`. A minus means that less is better.
        plot: Draw a figure into this file (.png, .svg, .pdf).
        plot_kind: What the figure shows: the Pareto front, learning curves, or bars with intervals.
        metric: The column that curves and bars show; the first accuracy that was measured if None.

    Returns:
        A DataFrame. `.attrs["notes"]` is a list of messages that belong to it; one that begins with `warning:` names
        the columns in which the rows differ although a comparison must hold them fixed.

    Raises:
        LabError: There are no results, the condition is wrong, a column, a variant or a reference is not there, or the
            figure cannot be drawn.
    """
    from .compare import compare as compared
    from .store import read_several

    paths = [Path(path) for path in ([results] if isinstance(results, (str, Path)) else results)]
    joined = read_several(paths)
    options: dict[str, Any] = {"by": by, "best": best, "sort": sort, "columns": columns, "against": against}
    options |= {"stale": stale, "pivot": pivot, "pareto": pareto}
    table = compared(joined, where=where, paths=paths, **options)
    if plot is not None:
        from .plots import draw

        table.attrs["notes"] += draw(plot_kind, Path(plot), joined, paths, where=where, pareto=pareto, metric=metric)
    return table


def edf(
    results: str | Path | Sequence[str | Path],
    *,
    by: str | Sequence[str] | None = None,
    metric: str = "test_accuracy",
    baseline: str | None = None,
    levels: Sequence[float] | None = None,
    where: str | None = None,
) -> pd.DataFrame:
    """Compare populations of networks by the distributions of their errors (Radosavovic et al. 2019).

    Args:
        results: A results folder or a `.csv` file of trials, or a list of them.
        by: The columns whose values tell the populations apart; if None, the variant, or with several folders the
            folder (`experiment`).
        metric: An accuracy; the error is 1 minus it.
        baseline: The population with which the others are compared; the first if None.
        levels: The errors below which the share of the networks is given; chosen from all errors together if None.
        where: Take only the trials for which this condition holds, such as `params < 30e6`.

    Returns:
        A DataFrame with one row for each population; `results.edf.summary` describes the columns.

    Raises:
        LabError: There are no results, the condition is wrong, or a column, the metric or the baseline is not there.
    """
    from . import edf as room
    from .select import where as taken
    from .store import read_several

    listed = [results] if isinstance(results, (str, Path)) else results
    table = read_several([Path(path) for path in listed])
    table = table if where is None else taken(table, where)
    several = room.populations(table, [by] if isinstance(by, str) else by, metric)
    return room.summary(several, baseline, levels)


def report(
    results: str | Path | Sequence[str | Path],
    output: str | Path = "report.html",
    *,
    baseline: str | None = None,
    where: str | None = None,
) -> Path:
    """Write a report on results: one HTML file with verdicts, a table, charts and drawings, which needs no network.

    Args:
        results: A results folder or a `.csv` file of trials, or a list of them.
        output: The file to write.
        baseline: Judge the variants against this one; the experiment's baseline if None.
        where: Take only the trials for which this condition holds, such as `params < 30e6`.

    Returns:
        The path of the file.

    Raises:
        LabError: There are no results, the condition or the baseline is wrong, or the file cannot be written.
    """
    from .report.write import report as write

    listed = [results] if isinstance(results, (str, Path)) else results
    write([Path(path) for path in listed], Path(output), baseline=baseline, where=where)
    return Path(output)
