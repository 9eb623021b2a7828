"""Verdicts: whether a variant is better or worse than the baseline, the same, or whether the runs cannot decide it.

Runs are paired by their seed. docs/verdicts.md explains the method, its sources and its limits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from . import statistics
from .images import ImageOutcomes
from .pairs import Pairs, check_metric, comparable, pairs
from .quiet import disturbed, is_speed

Word = Literal["better", "worse", "same", "undecided"]

METRICS = ("test_accuracy", "train_images_per_s", "params", "macs")
"""The metrics that are judged unless others are asked for."""

EXACT = ("params", "macs", "depth")
"""Metrics that are counted and not measured: no test is needed."""

_HARDLY_LEARNED = 0.9
"""A baseline whose loss is above this share of the loss of guessing is named in a caveat."""

_LESS_IS_BETTER = ("loss", "latency", "memory", "wall_s", "params", "macs", "depth")


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
        guessing: the baseline's loss as a share of the loss of guessing (pairs.Pairs); NaN where it is not known.
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
    guessing: float = math.nan


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
        check_metric(metric, table)
    variants = [name for name in dict.fromkeys(table["variant"]) if name != baseline]
    found: list[Verdict] = []
    for metric in asked:
        limit = (smallest or {}).get(metric)
        if metric in EXACT:
            found += [_exact(table, variant, baseline, metric) for variant in variants]
            continue
        several = [pairs(table, variant, baseline, metric) for variant in variants]
        judged = judge_metric(several, limit, 1 - confidence)
        judged = [_with_noise(verdict, side, images) for verdict, side in zip(judged, several, strict=True)]
        if is_speed(metric):
            judged = [_if_quiet(verdict, table) for verdict in judged]
        found += judged
    return found


def is_better(metric: str, difference: float) -> bool:
    """Whether a difference in a metric favours the variant."""
    return (difference < 0) == any(word in metric for word in _LESS_IS_BETTER)


def judge_metric(several: Sequence[Pairs], smallest: float | None, alpha: float) -> list[Verdict]:
    """Judge several variants on one metric.

    `better` and `worse` rest on the sign-flip test and `same` on two one-sided sign-flip tests, each with Holm's
    correction over the variants. `same` is said first: a difference may be certain and yet too small to matter.

    Args:
        several: the pairs of each variant.
        smallest: the difference that would matter; None if it is not stated.
        alpha: the family-wise error over the variants.
    """
    values = [side.differences for side in several]
    differ = statistics.holm([float(statistics.sign_flip(one)) if len(one) else 1.0 for one in values])
    limit = 0.0 if smallest is None else smallest
    alike = statistics.holm([float(p_of_equivalence(one, limit)) if limit and len(one) else 1.0 for one in values])
    return [
        _judged(side, p, p_same, smallest, alpha, len(several))
        for side, p, p_same in zip(several, differ, alike, strict=True)
    ]


def p_of_equivalence(differences: NDArray[Any], smallest: float) -> NDArray[Any]:
    """The p-value of `same`: twice the larger one of two one-sided tests (Schuirmann 1987).

    Twice, so that one variant is the `same` at the level alpha exactly where the interval of 1 - alpha that is shown
    lies between minus `smallest` and `smallest`.

    Args:
        differences: as for `statistics.sign_flip`.
        smallest: the difference that would matter.
    """
    above = statistics.sign_flip(differences + smallest, "greater")
    below = statistics.sign_flip(differences - smallest, "less")
    p: NDArray[Any] = np.minimum(1, 2 * np.maximum(above, below))
    return p


def _judged(side: Pairs, p: float, p_same: float, smallest: float | None, alpha: float, variants: int) -> Verdict:
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
        guessing=side.guessing,
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


def _if_quiet(verdict: Verdict, table: pd.DataFrame) -> Verdict:
    """The verdict on a speed, or `undecided` where the rows do not show that the comparison was fair."""
    rows = table[table["variant"].isin([verdict.variant, verdict.baseline]) & (table["status"] == "ok")]
    problem = disturbed(rows, verdict.metric)
    if problem is None:
        return verdict
    return replace(verdict, word="undecided", reason=problem, more_seeds=None)


def frame(found: Sequence[Verdict]) -> pd.DataFrame:
    """The verdicts as a table, one row each."""
    return pd.DataFrame([asdict(verdict) for verdict in found], columns=[field.name for field in fields(Verdict)])


def caveats(found: Sequence[Verdict], alpha: float = 0.05) -> list[str]:
    """What a reader of the verdicts must know, a sentence each."""
    measured = [verdict for verdict in found if verdict.metric not in EXACT]
    lines = []
    idle = {verdict.baseline: verdict.guessing for verdict in measured if verdict.guessing > _HARDLY_LEARNED}
    for name, share in idle.items():
        lines.append(
            f"the baseline {name} has hardly learned: its loss is {share:.0%} of that of guessing, so these verdicts "
            "say little about a network that has learned; give both more epochs, or another recipe"
        )
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
