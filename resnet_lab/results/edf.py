"""Compares populations of networks by the distributions of their errors (Radosavovic et al. 2019).

The empirical distribution function (EDF) of a population gives for each error the share of its networks whose error is
smaller. docs/verdicts.md explains the method and its limits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..base import figures
from ..base.errors import LabError, unknown
from . import select, statistics
from .columns import setting_of

_LEVELS = (0.1, 0.25, 0.5)
"""Unless others are asked for, shares are given below the errors that these parts of all networks stay below."""


@dataclass(frozen=True)
class Population:
    """The errors of a population's networks.

    Attributes:
        name: the values of the columns by which the populations are told apart.
        errors: the error of each network, 1 minus its accuracy, in rising order; a mean where it has several seeds.
        diverged: how many trials diverged; each of them counts with the error 1.
        left_out: how many trials have no accuracy: they failed, or were stopped early.
    """

    name: str
    errors: NDArray[np.float64]
    diverged: int
    left_out: int

    def below(self, levels: ArrayLike) -> NDArray[np.float64]:
        """The share of the networks whose error is smaller than each level: the EDF."""
        return np.searchsorted(self.errors, np.asarray(levels, np.float64), "left") / len(self.errors)

    def band(self, levels: ArrayLike, confidence: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The lower and the upper end of the bootstrap interval of `below`, for each level by itself.

        If n networks are drawn from the n networks with replacement, the number below a level has the binomial
        distribution. Its quantiles are therefore computed, and nothing is drawn.
        """
        from scipy.stats import binom

        count, outside = len(self.errors), (1 - confidence) / 2
        low, high = (binom.ppf(share, count, self.below(levels)) / count for share in (outside, 1 - outside))
        return low, high


def populations(
    table: pd.DataFrame, by: Sequence[str] | None = None, metric: str = "test_accuracy"
) -> list[Population]:
    """Divide the current trials of a table into populations.

    Args:
        table: a results table, as `store.read` gives it.
        by: the columns whose values tell the populations apart; if None, the column `experiment`, which a table of
            several folders has, or else `variant`.
        metric: an accuracy, from 0 to 1.

    Raises:
        LabError: There is no such column, the metric is no accuracy, or no trial has a result.
    """
    by = by or ["experiment" if "experiment" in table else "variant"]
    for column in by:
        if column not in table:
            raise LabError(unknown("column", column, table.columns))
    if metric not in table or not ("accuracy" in metric or "top5" in metric):
        known = [name for name in table if "accuracy" in name or "top5" in name]
        raise LabError(unknown("accuracy", metric, known))
    table = select.each_once(select.current(table)[0])
    diverged = table["status"] == "diverged"
    table = table.assign(
        _error=np.where(diverged, 1.0, 1 - table[metric].where(table["status"] == "ok")),
        _setting=setting_of(table),
        _diverged=diverged,
    )
    found = []
    for values, group in table.groupby(list(by), sort=False, dropna=False):
        known = group.dropna(subset="_error")
        means = known.groupby("_setting")["_error"].mean().to_numpy(np.float64)
        errors = np.sort(np.round(means, 12))  # 1 - 0.95 is a little more than 0.05
        if len(errors):
            name = " ".join(map(str, values if isinstance(values, tuple) else (values,)))
            found.append(Population(name, errors, int(group["_diverged"].sum()), len(group) - len(known)))
    if not found:
        raise LabError(f"no trial has the accuracy '{metric}'")
    return found


def summary(
    several: Sequence[Population],
    baseline: str | None = None,
    levels: Sequence[float] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Summarise the distributions of populations, and test each against a baseline.

    Args:
        several: the populations.
        baseline: the name of the population with which the others are compared; the first if None.
        levels: the errors below which the share of networks is given; chosen from all errors together if None.
        confidence: of the bands.

    Returns:
        A row for each population: `n` networks; the smallest error, its quartiles; for each level L the share of
        networks `below_L` with its band from `below_L_low` to `below_L_high`; the largest distance `ks` between the
        two EDFs, and the p-value `p` of the two-sided Kolmogorov-Smirnov test, with Holm's correction. Both are NaN for
        the baseline.

    Raises:
        LabError: There is no population of the baseline's name.
    """
    from scipy.stats import ks_2samp

    names = [one.name for one in several]
    if baseline is not None and baseline not in names:
        raise LabError(unknown("population", baseline, names))
    base = several[names.index(baseline) if baseline is not None else 0]
    at = list(levels) if levels is not None else usual_levels(several)
    rows: list[dict[str, Any]] = []
    for one in several:
        quartiles = np.quantile(one.errors, (0.25, 0.5, 0.75))
        row = {"population": one.name, "n": len(one.errors), "min": one.errors[0]}
        row |= dict(zip(("q25", "median", "q75"), quartiles, strict=True))
        for level, share, low, high in zip(at, one.below(at), *one.band(at, confidence), strict=True):
            name = f"below_{level:g}"
            row |= {name: share, f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    others = [one for one in several if one is not base]
    tests = [ks_2samp(one.errors, base.errors) for one in others]
    corrected = statistics.holm([float(test.pvalue) for test in tests])
    found = {one.name: (float(test.statistic), p) for one, test, p in zip(others, tests, corrected, strict=True)}
    for row in rows:
        row["ks"], row["p"] = found.get(row["population"], (math.nan, math.nan))
    return pd.DataFrame(rows)


def usual_levels(several: Sequence[Population]) -> list[float]:
    """Three errors, rounded to two digits, that the best parts of all networks together stay below."""
    errors = np.concatenate([one.errors for one in several])
    return sorted({float(f"{level:.2g}") for level in np.quantile(errors, _LEVELS)})


def notes(several: Sequence[Population]) -> list[str]:
    """What a reader of the comparison must know about trials without an accuracy, a sentence for each population."""
    lines = []
    for one in several:
        if one.diverged:
            lines.append(f"{one.diverged} trial(s) of {one.name} diverged; each counts with the error 1")
        if one.left_out:
            lines.append(f"{one.left_out} trial(s) of {one.name} failed or were stopped early, and are left out")
    return lines


def plot(several: Sequence[Population], path: Path, confidence: float = 0.95) -> None:
    """Draw the EDFs of populations with their bands.

    Args:
        several: the populations.
        path: an image file of a kind that matplotlib writes.
        confidence: of the bands.

    Raises:
        LabError: matplotlib is not installed, or cannot write the file.
    """
    figures.check(path)
    figure = figures.figure(6, 4)
    axes = figure.subplots()
    finite = [one.errors[one.errors < 1] for one in several]
    ends = np.concatenate([errors for errors in finite if len(errors)] or [np.array([0.0, 1.0])])
    grid = np.linspace(ends.min(), ends.max(), 400)
    for index, one in enumerate(several):
        colour = figures.COLOURS[index % len(figures.COLOURS)]
        low, high = one.band(grid, confidence)
        axes.plot(grid, one.below(grid), color=colour, label=f"{one.name} (n={len(one.errors)})")
        axes.fill_between(grid, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.set_xlabel("error")
    axes.set_ylabel("share of the networks with a smaller error")
    axes.set_ylim(0, 1)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figures.save(figure, path)
