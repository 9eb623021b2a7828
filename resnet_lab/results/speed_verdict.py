"""Which of two networks is faster: the ratio of their times, taken in turns, its interval, and the verdict.

docs/bench.md explains the rules.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

SAME = 0.05
"""Two networks count as equally fast if their times differ by at most this share."""

WIDE = 0.10
"""The distance between the quartiles of the times, as a share of the median, above which a warning is given."""

TOO_WIDE = 0.25
"""The distance between the quartiles of the ratios above which networks are not ranked.

The times themselves may scatter more: where the speed of the machine drifts, both times of a turn change, and not their
ratio."""


@dataclass(frozen=True)
class SpeedVerdict:
    """How fast a network is beside a baseline.

    Attributes:
        ratio: the network's time over the baseline's, the median over the turns; above 1 the network is slower.
        low: the lower end of the ratio's 95 % interval.
        high: its upper end.
        turns: the number of turns.
        word: `faster`, `slower`, `same` or `undecided`.
        reason: why, in one clause.
    """

    ratio: float
    low: float
    high: float
    turns: int
    word: str
    reason: str


def judge(baseline: Sequence[float], network: Sequence[float], same: float = SAME) -> SpeedVerdict:
    """Compare the times of a network with those of a baseline.

    The verdict is `same` if the whole interval lies between 1 / (1 + same) and 1 + same. It is `slower` (`faster`) if
    the whole interval lies above (below) 1 and the ratio itself lies outside of these limits. It is `undecided` in all
    other cases, and if the ratios scatter so much that the machine was not quiet.

    Args:
        baseline: the seconds of the baseline in each turn.
        network: the seconds of the network in the same turns.
        same: the share by which the times of equally fast networks may differ.
    """
    ratios = np.asarray(network, np.float64) / np.asarray(baseline, np.float64)
    ratio = float(np.median(ratios))
    low, high = median_interval(ratios)
    scatter = spread(ratios)
    least, most = 1 / (1 + same), 1 + same
    if scatter > TOO_WIDE:
        word, reason = "undecided", f"the machine was not quiet: the quartiles of the ratios lie {scatter:.0%} apart"
    elif least <= low and high <= most:
        word, reason = "same", f"the difference is at most {same:.0%}"
    elif low > 1 and ratio > most:
        word, reason = "slower", f"the whole interval lies above 1, and the difference is above {same:.0%}"
    elif high < 1 and ratio < least:
        word, reason = "faster", f"the whole interval lies below 1, and the difference is above {same:.0%}"
    else:
        word, reason = "undecided", f"the interval allows differences below and above {same:.0%}"
    return SpeedVerdict(ratio, low, high, len(ratios), word, reason)


def median_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of the median by order statistics (David and Nagaraja 2003, "Order Statistics", section 7.1).

    The number of values below the median has the binomial distribution of n and 1/2, whatever the distribution of the
    values is. So the k-th smallest and the k-th largest value enclose the median with at least this confidence, for the
    largest k that leaves at most (1 - confidence) / 2 on either side.

    Returns:
        The ends of the interval; infinite if there are too few values for the confidence (less than 6 for 0.95).
    """
    ordered: NDArray[Any] = np.sort(np.asarray(values, np.float64))
    n, rank, below = len(ordered), 0, 0.0
    while rank < n:
        below += math.comb(n, rank) / 2**n
        if below > (1 - confidence) / 2:
            break
        rank += 1
    return (float(ordered[rank - 1]), float(ordered[n - rank])) if rank else (-math.inf, math.inf)


def spread(values: ArrayLike) -> float:
    """The distance between the quartiles of values, as a share of their median."""
    low, middle, high = np.percentile(np.asarray(values, np.float64), [25, 50, 75])
    return float((high - low) / middle)
