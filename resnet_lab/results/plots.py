"""One figure of a comparison: accuracy against a cost with its Pareto front, learning curves, or bars with intervals.

The colours are those of Okabe and Ito (2008); each variant has a marker and dashes of its own as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..base import figures
from ..base.errors import LabError, unknown
from ..base.figures import COLOURS
from . import select
from .compare import rows as chosen
from .pareto import Goal, goals, is_pareto
from .report.charts import BARS
from .report.contents import Contents
from .report.sections.curves import METRICS as OVER_EPOCHS
from .report.sections.curves import STOPPED_MOST, shown

KINDS = ("front", "curves", "bars")
GOALS = "test_accuracy,-macs"
"""The accuracy and the cost of a front, unless others are asked for."""

_MARKERS, _DASHES = "osD^vPX", ("-", "--", "-.", ":")
_CONFIDENCE = 0.95
_MOST_BARS = 40
_NAMES = 12
"""At most this many variants have a colour and a line in the legend; with more, colours could not be told apart."""


def draw(
    kind: str,
    file: Path,
    table: pd.DataFrame,
    paths: Sequence[Path],
    *,
    where: str | None = None,
    pareto: str | Sequence[str] | None = None,
    metric: str | None = None,
) -> list[str]:
    """Draw a figure of the current trials that ended `ok`.

    Args:
        kind: `front`, `curves` or `bars`.
        file: an image file of a kind that matplotlib writes, such as .png, .svg or .pdf.
        table: a results table, as `store.read_several` gives it.
        paths: the results folders of the table; the curves come from their `epochs.csv`.
        where: a condition on the rows.
        pareto: for `front`: the accuracy and the cost; `GOALS` if None.
        metric: for `curves` the column of `epochs.csv`, and for `bars` the column of `trials.csv`; if None, the first
            accuracy that was measured.

    Returns:
        Messages about what the figure leaves out.

    Raises:
        LabError: matplotlib is not installed, the file cannot be written, or there is nothing to draw.
    """
    if kind not in KINDS:
        raise LabError(unknown("kind of figure", kind, KINDS))
    figures.check(file)
    taken = select.each_once(chosen(table, [], where=where)).reset_index(drop=True)
    contents = Contents(paths, taken, None, None, (), "", ())
    if contents.ok.empty:
        raise LabError("there is nothing to draw: no trial ended ok")
    notes: list[str] = []
    figure = figures.figure(7, 4.5)
    axes = figure.subplots()
    if kind == "front":
        wanted = goals(GOALS if pareto is None else pareto, taken)
        if len(wanted) != 2:
            raise LabError(f"a front is drawn over two columns, such as {GOALS}")
        _front(axes, contents, *wanted)
    elif kind == "curves":
        _curves(axes, contents, metric, notes)
    else:
        _bars(figure, axes, contents, metric, notes)
    axes.spines[["top", "right"]].set_visible(False)
    figures.save(figure, file)
    return notes


def _title(column: str) -> str:
    return {"macs": "multiply-adds", "params": "parameters"}.get(
        column, column.replace("_per_s", "/s").replace("_", " ")
    )


def _front(axes: Any, contents: Contents, value: Goal, cost: Goal) -> None:
    """A point for each setting, and the front as steps; the points of the front have names."""
    for goal in (value, cost):
        if goal.column not in contents.settings:
            raise LabError(f"a front is drawn over measurements, and '{goal.column}' is none of those of the table")
    points = contents.settings.dropna(subset=[value.column, cost.column])
    if points.empty:
        raise LabError(f"there is nothing to draw: no trial has both {value.column} and {cost.column}")
    variants = list(dict.fromkeys(points["variant"]))
    spread = len(points) <= BARS
    for index, variant in enumerate(variants):
        mine = points[points["variant"] == variant]
        many = len(variants) > _NAMES
        axes.errorbar(
            *(mine[cost.column], mine[value.column]),
            yerr=mine[f"{value.column}_std"].fillna(0) if spread else None,
            fmt=_MARKERS[0 if many else (index + index // len(COLOURS)) % len(_MARKERS)],
            color="#7f7f7f" if many else COLOURS[index % len(COLOURS)],
            markersize=4 if many else 6,
            elinewidth=1,
            label=None if many else variant,
        )
    best = points[is_pareto(points, [value, cost])].sort_values(cost.column)
    steps = "steps-post" if cost.less_is_better else "steps-pre"
    axes.plot(best[cost.column], best[value.column], drawstyle=steps, color="#444444", linewidth=1, zorder=1)
    costs = points[cost.column]
    if costs.min() > 0 and costs.max() > 8 * costs.min():
        axes.set_xscale("log")
    elif costs.max() >= 1e4:
        axes.xaxis.set_major_formatter("{x:,.0f}" if costs.max() < 1e6 else _millions)
    axes.margins(x=0.12, y=0.1)
    _name(axes, best, cost.column, value.column)
    axes.set_xlabel(_title(cost.column) + (" (less is better)" if cost.less_is_better else ""))
    axes.set_ylabel(_title(value.column) + (" (mean ± std)" if spread else " (mean)") * bool(points["n"].max() > 1))
    _legend(axes, len(variants))


def _millions(value: float, place: int) -> str:
    """37e6 as '37M', and 3.8e9 as '3.8G'."""
    return f"{value / 1e9:g}G" if abs(value) >= 1e9 else f"{value / 1e6:g}M"


def _name(axes: Any, best: pd.DataFrame, x: str, y: str) -> None:
    """Write the names of the front's points beside them, the best first, as far as they do not overlap."""
    taken: list[tuple[float, float]] = []
    axes.autoscale_view()  # so that places on the page are known
    for row in best.sort_values(y, ascending=False).to_dict("records"):
        place = row[x], row[y]
        across, up = axes.transData.transform(place)
        if all(abs(across - other[0]) > 7 * len(row["label"]) or abs(up - other[1]) > 14 for other in taken):
            taken.append((across, up))
            on_left = axes.transAxes.inverted().transform((across, up))[0] > 0.75
            side = {"xytext": (-5, 5), "ha": "right"} if on_left else {"xytext": (5, 5)}
            axes.annotate(row["label"], place, textcoords="offset points", size=8, **side)


def _curves(axes: Any, contents: Contents, metric: str | None, notes: list[str]) -> None:
    """The mean over the seeds at each epoch, and the band between the smallest and the largest value."""
    epochs = contents.epochs
    known = [name for name in OVER_EPOCHS if name in epochs and epochs[name].notna().any()]
    if not known:
        raise LabError("there are no learning curves: they come from the file epochs.csv of a results folder")
    if metric is not None and metric not in known:
        raise LabError(unknown("column of epochs.csv", metric, known))
    name = metric or next((name for name in known if "accuracy" in name and "train" not in name), known[0])
    settings, note = shown(contents)
    if note:
        notes.append(note)
    for index, setting in enumerate(settings):
        by_epoch = epochs[epochs["_setting"] == setting].groupby("epoch")[name]
        mean, colour = by_epoch.mean(), COLOURS[index % len(COLOURS)]
        label = contents.settings.loc[setting, "label"]
        dash = _DASHES[index // len(COLOURS) % len(_DASHES)]
        axes.plot(mean.index, mean, dash, color=colour, marker=_MARKERS[index % len(_MARKERS)], ms=4, label=label)
        axes.fill_between(mean.index, by_epoch.min(), by_epoch.max(), color=colour, alpha=0.2, linewidth=0)
    stopped = contents.stopped_epochs
    early = list(stopped.groupby("trial", sort=False))[:STOPPED_MOST] if name in stopped else []
    for index, (_, rows) in enumerate(early):
        label = None if index else f"stopped early ({len(early)})"
        axes.plot(rows["epoch"], rows[name], color="#7f7f7f", linewidth=0.8, alpha=0.6, zorder=1, label=label)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("epoch")
    axes.set_ylabel(_title(name) + " (mean and range of the seeds)" * bool(contents.settings["n"].max() > 1))
    _legend(axes, len(settings) + bool(early))


def _bars(figure: Any, axes: Any, contents: Contents, metric: str | None, notes: list[str]) -> None:
    """The mean of each setting with its interval: bars from zero, or points where bars from zero would look equal."""
    from scipy.stats import t

    name = metric or contents.accuracy
    if name is None or name not in contents.settings:
        known = [column for column in contents.settings if f"{column}_std" in contents.settings]
        raise LabError(unknown("measurement", name, known))
    means = contents.settings.dropna(subset=[name])
    if len(means) > _MOST_BARS:
        notes.append(f"the {_MOST_BARS} settings with the largest mean of {name} are drawn, of {len(means):,}")
        means = means.nlargest(_MOST_BARS, name)
    reach = t.ppf((1 + _CONFIDENCE) / 2, (means["n"] - 1).clip(lower=1)) * means[f"{name}_std"] / means["n"] ** 0.5
    places, reach = range(len(means)), reach.fillna(0)
    low, high = (means[name] - reach).min(), (means[name] + reach).max()
    from_zero = low <= 0 or high > 1.5 * low
    if from_zero:
        axes.barh(places, means[name], color=COLOURS[5])
    axes.errorbar(
        means[name], places, xerr=reach, fmt="none" if from_zero else "o", color=COLOURS[-1 if from_zero else 0]
    )
    digits = 4 if abs(means[name]).max() < 10 else 1
    for place, value, half in zip(places, means[name], reach, strict=True):
        text = f"{value:.{digits}f}" + f" ± {half:.{digits}f}" * bool(half)
        axes.annotate(text, (value + half, place), (6, 0), textcoords="offset points", va="center", size=8)
    axes.set_yticks(places, means["label"])
    axes.invert_yaxis()
    axes.margins(x=0.3)
    if from_zero:
        axes.set_xlim(left=min(0, low * 1.1))
    explained = f", with the {_CONFIDENCE:.0%} interval of the mean over the seeds (Student's t)" * bool(reach.any())
    axes.set_xlabel(_title(name) + explained)
    figure.set_size_inches(7, 1.2 + 0.35 * len(means))


def _legend(axes: Any, count: int) -> None:
    if 1 < count <= _NAMES + 1:
        axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
