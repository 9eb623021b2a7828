"""Statistics of paired differences: the sign-flip test and its interval, the bootstrap, Holm's correction, and power.

A pair is the variant's and the baseline's result for one seed; its difference is variant minus baseline. The page
docs/verdicts.md explains the methods and names their sources.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

ALL_PATTERNS = 14
"""Up to this number of pairs, all 2^n patterns of signs are counted; above it, DRAWN random patterns."""

DRAWN = 2**13

_MOST_PAIRS = 10_000
"""No larger number of pairs is ever recommended."""


@cache
def patterns(n: int) -> NDArray[Any]:
    """Which of n differences change their sign, a row for each pattern; the first row changes none.

    All 2^n patterns if n is at most ALL_PATTERNS, else DRAWN patterns: the first and random ones, from a fixed seed.
    """
    if n <= ALL_PATTERNS:
        return np.asarray((np.arange(2**n)[:, None] >> np.arange(n)) & 1, np.float64)
    drawn = np.random.default_rng(n).integers(0, 2, (DRAWN, n)).astype(np.float64)
    drawn[0] = 0
    return drawn


def sign_flip(
    differences: ArrayLike, alternative: Literal["two-sided", "greater", "less"] = "two-sided"
) -> NDArray[Any]:
    """The p-value of the sign-flip test of the mean (Fisher 1935, section 21).

    If the differences are symmetric about zero, each pattern of signs was equally likely. The p-value is the share of
    the patterns whose mean is at least as large as the observed one (`greater`), at most as large (`less`), or twice
    the smaller of these two shares.

    Args:
        differences: the differences along the last axis; further axes are separate experiments.
        alternative: the side on which a mean is evidence against zero.

    Returns:
        The p-values, of the shape of the other axes.
    """
    values = np.asarray(differences, np.float64)
    changed = values @ patterns(values.shape[-1]).T  # a pattern's sum is the observed sum minus twice this
    tolerance = 1e-9 * np.abs(values).sum(-1, keepdims=True)
    greater, less = (changed <= tolerance).mean(-1), (changed >= -tolerance).mean(-1)
    twice = np.minimum(1, 2 * np.minimum(greater, less))
    return np.asarray({"greater": greater, "less": less, "two-sided": twice}[alternative])


def interval(differences: ArrayLike, confidence: float) -> tuple[float, float]:
    """The interval of all centres that the two-sided sign-flip test does not reject.

    Its ends are two of the means of all subsets of the differences (Hartigan 1969). With too few pairs for the
    confidence it is the whole line: 2^n patterns must hold at least 2/(1 - confidence).
    """
    values = np.asarray(differences, np.float64)
    subsets = patterns(len(values))
    counts = subsets.sum(1)
    means = np.sort((subsets @ values)[counts > 0] / counts[counts > 0])
    outside = math.floor((1 - confidence) / 2 * (len(means) + 1) + 1e-9)
    if not outside:
        return -math.inf, math.inf
    return float(means[outside - 1]), float(means[-outside])


def bca(differences: ArrayLike, confidence: float) -> tuple[float, float]:
    """The bias-corrected and accelerated bootstrap interval of the mean (Efron 1987); NaN for less than two pairs.

    With few pairs it is too narrow (docs/verdicts.md has its measured coverage), so no verdict rests on it.
    """
    values = np.asarray(differences, np.float64)
    if len(values) < 2:
        return math.nan, math.nan
    if np.ptp(values) <= 1e-12 * np.abs(values).max():  # the bootstrap has no distribution where all are equal
        return float(values[0]), float(values[0])
    from scipy.stats import bootstrap

    generator = np.random.default_rng(0)
    found = bootstrap((values,), np.mean, confidence_level=confidence, method="BCa", random_state=generator)
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def holm(p: Sequence[float]) -> list[float]:
    """P-values corrected by Holm's method (1979): rejecting those at most alpha keeps the family-wise error alpha."""
    order = sorted(range(len(p)), key=lambda index: p[index])
    corrected = [1.0] * len(p)
    largest = 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - place) * p[index]))
        corrected[index] = largest
    return corrected


def correlation(one: ArrayLike, other: ArrayLike) -> float:
    """Pearson's correlation of the two sides of the pairs; NaN for less than three pairs or a side without variance."""
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if len(first) < 3 or not np.ptp(first) or not np.ptp(second):
        return math.nan
    return float(np.corrcoef(first, second)[0, 1])


def image_noise(differences: ArrayLike) -> float:
    """The standard error of the mean difference that comes from the choice of the test images.

    Args:
        differences: for each pair (rows) and test image (columns), the variant's outcome minus the baseline's.
    """
    images = np.asarray(differences, np.float64).mean(0)
    return float(images.std(ddof=1) / math.sqrt(len(images))) if len(images) > 1 else math.nan


def least_p(n: int) -> float:
    """The smallest two-sided p-value that the sign-flip test can give for n pairs."""
    return min(1.0, 2.0 ** (1 - n))


def least_pairs(level: float) -> int:
    """The number of pairs from which on the sign-flip test can reach a p-value of at most `level`."""
    return math.ceil(1 - math.log2(level) - 1e-9)


def detectable(std: float, n: int, level: float, power: float = 0.8) -> float:
    """The smallest true difference that n pairs show with a probability of `power`; infinite where none can.

    Computed for the t-test at `level`, to which the sign-flip test is close.

    Args:
        std: the standard deviation of the differences.
        n: the number of pairs.
        level: the two-sided level of the test.
        power: the probability with which the test rejects.
    """
    if n < least_pairs(level):
        return math.inf
    from scipy.optimize import brentq
    from scipy.stats import nct, t

    limit = t.isf(level / 2, n - 1)
    shift = brentq(lambda value: nct.sf(limit, n - 1, value) - power, 0, 10 * limit)
    return float(shift * std / math.sqrt(n))


def pairs_needed(difference: float, std: float, smallest: float | None, n: int, level: float) -> int | None:
    """How many pairs would probably (80 %) decide, if mean and standard deviation stay as they are.

    Args:
        difference: the mean difference so far.
        std: the standard deviation of the differences so far.
        smallest: the difference that would matter; None if it is not stated.
        n: the number of pairs so far, at least 2.
        level: the two-sided level of the test.

    Returns:
        The least number above n; None where the mean is too close to zero, or to `smallest`, for any number up to
        10,000.
    """
    from scipy.stats import t

    least = max(n + 1, least_pairs(level))
    margins = [abs(difference), 0.0 if smallest is None else smallest - abs(difference)]
    margin = max(margins)
    if margin <= 0:
        return None
    numbers = np.arange(least, _MOST_PAIRS + 1)
    wanted = (t.isf(level / 2, numbers - 1) + t.ppf(0.8, numbers - 1)) * std / np.sqrt(numbers)
    enough = numbers[wanted <= margin]
    return int(enough[0]) if len(enough) else None
