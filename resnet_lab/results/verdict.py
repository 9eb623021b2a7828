"""Verdicts: whether a variant is better or worse than the baseline, the same, or whether the runs cannot decide it.

Runs are paired by their seed. docs/verdicts.md explains the method, its sources and its limits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..base.errors import LabError, unknown
from . import select, statistics
from .columns import MACHINE, differing
from .compare import OF_THE_VARIANT
from .images import ImageOutcomes

Word = Literal["better", "worse", "same", "undecided"]

METRICS = ("test_accuracy", "train_images_per_s", "params", "macs")
"""The metrics that are judged unless others are asked for."""

EXACT = ("params", "macs", "depth")
"""Metrics that are counted and not measured: no test is needed."""

_LESS_IS_BETTER = ("loss", "latency", "memory", "wall_s", "params", "macs", "depth")
_SPREAD = 0.25
"""A machine counts as quiet if the 10th and the 90th percentile of a speed differ by less than this share of it."""


@dataclass(frozen=True)
class Verdict:
    """What the runs say about one variant and one metric.

    Attributes:
        variant: the variant.
        baseline: the variant that it is compared with.
        metric: a column of results.
        word: `better`, `worse`, `same` or `undecided`.
        n: the number of pairs: seeds for which both trials ended `ok`.
        difference: the mean of variant minus baseline, in the metric's own unit.
        low: the lower end of the interval, at the confidence asked for and for this variant alone.
        high: its upper end. Both are infinite where n is too small for this confidence.
        p: the p-value of the sign-flip test, corrected over the variants; NaN where nothing is tested, and with
            `seeds: auto`, where the looks decide.
        std: the standard deviation of the differences over the seeds.
        reason: why it is this word, in one sentence.
        more_seeds: about how many more pairs would decide it; None where it is decided or cannot be foreseen.
        bca_low: the lower end of the bootstrap interval, on which no verdict rests.
        bca_high: its upper end.
        correlation: the correlation between the two sides of the pairs.
        image_noise: the standard error of the difference that comes from the choice of the test images.
        detectable: the smallest true difference that this many pairs show with 80 % probability.
    """

    variant: str
    baseline: str
    metric: str
    word: Word
    n: int
    difference: float
    low: float
    high: float
    p: float
    std: float
    reason: str
    more_seeds: int | None = None
    bca_low: float = math.nan
    bca_high: float = math.nan
    correlation: float = math.nan
    image_noise: float = math.nan
    detectable: float = math.inf


@dataclass(frozen=True)
class Pairs:
    """The results of a variant and the baseline for the seeds that both have.

    Attributes:
        variant: the variant's name.
        baseline: the baseline's name.
        metric: a column of results.
        seeds: the seeds, in rising order.
        ours: the variant's results.
        theirs: the baseline's results.
        trials: for each pair the ids of the variant's and the baseline's trial; '' where the table has no ids.
    """

    variant: str
    baseline: str
    metric: str
    seeds: list[int]
    ours: NDArray[Any]
    theirs: NDArray[Any]
    trials: list[tuple[str, str]]

    @property
    def differences(self) -> NDArray[Any]:
        """Variant minus baseline for each pair."""
        return np.asarray(self.ours - self.theirs)


def verdicts(
    table: pd.DataFrame,
    baseline: str,
    metrics: Sequence[str] | None = None,
    smallest: Mapping[str, float] | None = None,
    confidence: float = 0.95,
    images: Callable[[str], ImageOutcomes | None] | None = None,
) -> list[Verdict]:
    """Judge every variant of a results table against the baseline, for every metric.

    Args:
        table: a results table, as `store.read` gives it; stale trials are left out.
        baseline: the variant with which the others are compared.
        metrics: columns of results; METRICS, as far as the table has them, if None.
        smallest: for a metric the difference that would matter; without it no variant is ever the `same`.
        confidence: of the intervals; 1 minus this is the family-wise error over the variants, for each metric.
        images: gives for a trial's id which test images it got right.

    Returns:
        The verdicts, metric by metric, in the order of the variants in the table.

    Raises:
        LabError: The baseline or a metric is not in the table, there is nothing to compare with the baseline, or the
            trials have several recipes.
    """
    table = comparable(table, baseline)
    asked = metrics if metrics is not None else [name for name in METRICS if name in table]
    for metric in (*asked, *(smallest or {})):
        _check_metric(metric, table)
    variants = [name for name in dict.fromkeys(table["variant"]) if name != baseline]
    found: list[Verdict] = []
    for metric in asked:
        limit = (smallest or {}).get(metric)
        if metric in EXACT:
            found += [_exact(table, variant, baseline, metric) for variant in variants]
            continue
        several = [pairs(table, variant, baseline, metric) for variant in variants]
        judged = tested(several, limit, 1 - confidence)
        judged = [_with_noise(verdict, side, images) for verdict, side in zip(judged, several, strict=True)]
        if _is_speed(metric):
            judged = [_if_quiet(verdict, table) for verdict in judged]
        found += judged
    return found


def comparable(table: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """The current trials of a table, each once, after a check that one recipe is compared with itself.

    Raises:
        LabError: As `verdicts`.
    """
    table = select.each_once(select.current(table)[0])
    if baseline not in set(table["variant"]):
        raise LabError(unknown("variant", baseline, table["variant"]))
    if table["variant"].nunique() < 2:
        raise LabError(f"there is no variant beside {baseline} to compare with it")
    if "seed" not in table:
        raise LabError("the table has no column 'seed', by which runs are paired")
    several = [name for name in differing(table) if name not in OF_THE_VARIANT]
    for _, rows in table.groupby("variant"):
        several += [name for name in differing(rows) if name not in several]
    if several:
        name = several[0]
        example = next(value for value in table[name] if pd.notna(value))
        shown = f"`{name}`" if not all(part.isidentifier() for part in name.split(".")) else name
        raise LabError(
            f"the trials differ in {', '.join(several)}, so seeds are not all that changes; "
            f'choose with --where, such as --where "{shown} == {example!r}"'
        )
    return table


def pairs(table: pd.DataFrame, variant: str, baseline: str, metric: str) -> Pairs:
    """The pairs of a variant and the baseline: the seeds for which both trials ended `ok` with a figure."""
    _check_metric(metric, table)
    ok = table[(table["status"] == "ok") & table[metric].notna()]
    ours, theirs = (
        ok[ok["variant"] == name].drop_duplicates("seed").set_index("seed").sort_index() for name in (variant, baseline)
    )
    seeds = [seed for seed in ours.index if seed in theirs.index]
    ours, theirs = ours.loc[seeds], theirs.loc[seeds]
    ids = [("", "")] * len(seeds)
    if "trial" in table:
        ids = list(zip(ours["trial"], theirs["trial"], strict=True))
    figures, reference = (side[metric].to_numpy(np.float64) for side in (ours, theirs))
    return Pairs(variant, baseline, metric, [int(seed) for seed in seeds], figures, reference, ids)


def _check_metric(metric: str, table: pd.DataFrame) -> None:
    if metric not in table or not pd.api.types.is_numeric_dtype(table[metric]):
        raise LabError(unknown("metric", metric, table.select_dtypes("number").columns))


def is_better(metric: str, difference: float) -> bool:
    """Whether a difference in a metric favours the variant."""
    return (difference < 0) == any(word in metric for word in _LESS_IS_BETTER)


def tested(several: Sequence[Pairs], smallest: float | None, alpha: float) -> list[Verdict]:
    """Judge several variants on one metric.

    `better` and `worse` rest on the sign-flip test and `same` on two one-sided sign-flip tests, each with Holm's
    correction over the variants. `same` is said first: a difference may be certain and yet too small to matter.

    Args:
        several: the pairs of each variant.
        smallest: the difference that would matter; None if it is not stated.
        alpha: the family-wise error over the variants.
    """
    differ = statistics.holm([float(statistics.sign_flip(side.differences)) if side.seeds else 1.0 for side in several])
    alike = statistics.holm([_p_of_equivalence(side.differences, smallest) for side in several])
    return [
        _tested(side, p, p_same, smallest, alpha, len(several))
        for side, p, p_same in zip(several, differ, alike, strict=True)
    ]


def _p_of_equivalence(differences: NDArray[Any], smallest: float | None) -> float:
    """Twice the larger p-value of the two one-sided tests, so that alpha belongs to the interval that is shown."""
    if smallest is None or not len(differences):
        return 1.0
    above = float(statistics.sign_flip(differences + smallest, "greater"))
    below = float(statistics.sign_flip(differences - smallest, "less"))
    return min(1.0, 2 * max(above, below))


def _tested(side: Pairs, p: float, p_same: float, smallest: float | None, alpha: float, variants: int) -> Verdict:
    values, n = side.differences, len(side.seeds)
    mean = float(values.mean()) if n else math.nan
    std = float(values.std(ddof=1)) if n > 1 else math.nan
    low, high = statistics.interval(values, 1 - alpha) if n else (-math.inf, math.inf)
    bca = statistics.bca(values, 1 - alpha)
    level = alpha / variants
    word: Word = "undecided"
    more = None
    if p_same <= alpha:
        word, reason = "same", f"the difference is certainly smaller than {smallest:g}, the smallest that matters"
    elif p <= alpha:
        word = "better" if is_better(side.metric, mean) else "worse"
        reason = f"p is {p:.2g}{_corrected(variants)}"
    else:
        total = statistics.pairs_needed(mean, std, smallest, n, level) if n > 1 else None
        more = None if total is None else total - n
        reason = _why_undecided(n, p, alpha, variants) + _what_would_decide(more, n, smallest)
    shown = statistics.detectable(std, n, level) if n > 1 else math.inf
    return Verdict(
        *(side.variant, side.baseline, side.metric, word, n, mean, low, high, p if n else math.nan, std, reason, more),
        *bca,
        correlation=statistics.correlation(side.ours, side.theirs),
        detectable=shown,
    )


def _corrected(variants: int) -> str:
    return f", corrected for {variants} variants" if variants > 1 else ""


def _why_undecided(n: int, p: float, alpha: float, variants: int) -> str:
    if not n:
        return "no seed has a trial of both that ended ok"
    least = min(1.0, statistics.least_p(n) * variants)
    if least > alpha:
        return (
            f"{n} pair{'s' * (n > 1)}: the smallest p they can reach is {least:.4g}{_corrected(variants)}, "
            f"so no difference can be significant at {alpha:g}"
        )
    return f"p is {p:.2g}{_corrected(variants)}"


def _what_would_decide(more: int | None, n: int, smallest: float | None) -> str:
    if more is not None:
        return f"; about {more} more seed{'s' * (more > 1)} would decide"
    if n < 2:
        return "; at least 6 pairs are needed" if n else ""
    if smallest is None:
        return "; without a smallest difference that matters, no number of seeds would decide"
    return f"; the difference is too close to {smallest:g} for any number of seeds"


def _with_noise(verdict: Verdict, side: Pairs, images: Callable[[str], ImageOutcomes | None] | None) -> Verdict:
    """The verdict with the noise of the test set, where the test images of all its trials were kept."""
    if images is None or side.metric not in ("test_accuracy", "test_loss") or not side.seeds:
        return verdict
    kept = [images(trial) for both in side.trials for trial in both]
    if any(one is None for one in kept):
        return verdict
    outcomes = [one.right if side.metric == "test_accuracy" else one.losses for one in kept if one is not None]
    if len({len(one) for one in outcomes}) > 1:
        return verdict
    rows = np.stack(outcomes).astype(np.float64)
    return replace(verdict, image_noise=statistics.image_noise(rows[::2] - rows[1::2]))


def _exact(table: pd.DataFrame, variant: str, baseline: str, metric: str) -> Verdict:
    """The verdict on a cost, which is counted: any difference is certain."""
    ours, theirs = (table.loc[table["variant"] == name, metric].iloc[0] for name in (variant, baseline))
    if pd.isna(ours) or pd.isna(theirs):
        nothing = (math.nan,) * 5
        return Verdict(variant, baseline, metric, "undecided", 0, *nothing, f"{metric} is not known")
    difference = float(ours - theirs)
    word: Word = "same" if not difference else "better" if is_better(metric, difference) else "worse"
    reason = f"counted: {int(ours):,} and {int(theirs):,}"
    return Verdict(variant, baseline, metric, word, 1, difference, difference, difference, math.nan, 0.0, reason)


def _is_speed(metric: str) -> bool:
    return "_per_s" in metric or "latency" in metric or metric == "wall_s"


def _if_quiet(verdict: Verdict, table: pd.DataFrame) -> Verdict:
    """The verdict on a speed, or `undecided` where the rows do not show that the comparison was fair."""
    rows = table[table["variant"].isin([verdict.variant, verdict.baseline]) & (table["status"] == "ok")]
    problem = _disturbed(rows, verdict.metric)
    if problem is None:
        return verdict
    return replace(verdict, word="undecided", reason=problem, more_seeds=None)


def _disturbed(rows: pd.DataFrame, metric: str) -> str | None:
    """Why the speeds of two variants' trials cannot be compared; None where they can."""
    several = [name for name in MACHINE if name in rows and rows[name].nunique(dropna=False) > 1]
    if several:
        return f"the trials ran in different places ({', '.join(several)})"
    if "started" not in rows or rows["started"].isna().any():
        return "the rows do not say when the trials ran"
    order = list(rows.sort_values("started", kind="stable")["variant"])
    if any(len(set(order[index : index + 3])) == 1 for index in range(len(order) - 2)):
        return "the trials of the two did not run in turns"
    low, high = (rows.get(f"{metric}_{end}") for end in ("p10", "p90"))
    if low is None or high is None:
        return "the rows do not say whether the machine was quiet"
    spread = ((high - low) / rows[metric]).max()
    if not spread < _SPREAD:
        return f"the machine was not quiet: the percentiles of one trial lie {spread:.0%} apart"
    return None


def caveats(found: Sequence[Verdict], alpha: float = 0.05) -> list[str]:
    """What a reader of the verdicts must know, a sentence each."""
    measured = [verdict for verdict in found if verdict.metric not in EXACT]
    lines = []
    for n in sorted({verdict.n for verdict in measured if 0 < verdict.n < statistics.least_pairs(alpha)}):
        lines.append(
            f"{n} pair{'s' * (n > 1)}: the smallest p they can reach is {statistics.least_p(n):.4g}, so no difference "
            f"can be significant at {alpha:g}; {statistics.least_pairs(alpha)} pairs are the least that can"
        )
    noisy = [verdict for verdict in measured if not math.isnan(verdict.image_noise)]
    if noisy:
        worst = max(noisy, key=lambda verdict: verdict.image_noise)
        lines.append(
            f"the interval is about new seeds on the same test images; other test images would move the difference of "
            f"{worst.variant} in {worst.metric} by {worst.image_noise:.2g} (standard error)"
        )
    if len({verdict.metric for verdict in measured}) > 1:
        lines.append("each metric is judged by itself: p is corrected over the variants, not over the metrics")
    return lines
