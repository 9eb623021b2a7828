"""Verdicts that look at the pairs while the sweep runs, and stop each variant as soon as its verdict is clear.

A group-sequential design: a look follows each seed from the sixth on, and a spending function (Lan and DeMets 1983)
shares the error out over the looks. The test at each look is the sign-flip test, whose critical values follow from the
patterns of signs that no earlier look has rejected. docs/verdicts.md names the sources and gives the measured errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..specs.experiment import DecideSpec
from . import statistics
from .pairs import Pairs, comparable, pairs
from .verdict import Verdict, Word, is_better

FIRST = 6
"""The first look comes after this many seeds, because fewer can show nothing; then each seed is followed by a look."""


def looks(at_most: int) -> list[int]:
    """The numbers of seeds after which the design looks."""
    return list(range(min(FIRST, at_most), at_most + 1))


def spent(level: float, share: float) -> float:
    """How much of an error has been spent when a share of all pairs is there.

    The power family of Kim and DeMets (1987) with the exponent 1/2: much is spent early, since most differences that
    matter are seen within a third of the pairs that the smallest ones need.
    """
    return level * math.sqrt(share)


@dataclass(frozen=True)
class Stop:
    """The look at which a variant was decided.

    Attributes:
        word: `greater` or `less` for the sign of the difference, `same` for one that is too small to matter.
        look: the index of the look.
    """

    word: str
    look: int


def stops(
    differences: Sequence[NDArray[np.float64]],
    counts: Sequence[Sequence[int]],
    alpha: float,
    smallest: float | None,
    at_most: int,
    variants: int,
) -> list[Stop | None]:
    """For each variant the look that decides it; None where none does.

    The error is shared by Holm's method: each variant begins with alpha/variants, and one that is found to be different
    leaves its part to those that are not decided (Maurer and Bretz 2013). A finding of `same` leaves nothing.

    Args:
        differences: for each variant the differences in the order of the seeds.
        counts: for each variant and look the number of pairs that the look sees.
        alpha: the error over all variants and looks.
        smallest: the difference that would matter; None if it is not stated.
        at_most: the largest number of pairs.
        variants: the number of variants, of which some may have no pairs yet.
    """
    found: list[Stop | None] = [None] * len(differences)
    known: dict[tuple[int, int], Stop | None] = {}

    def at_level(index: int, sharing: int) -> Stop | None:
        if (index, sharing) not in known:
            levels = alpha / sharing, alpha / variants
            known[index, sharing] = stop(differences[index], counts[index], *levels, smallest, at_most)
        return known[index, sharing]

    for look in range(max(map(len, counts), default=0)):
        while True:
            sharing = variants - sum(end is not None and end.word != "same" for end in found)
            going_on = [index for index, end in enumerate(found) if end is None and look < len(counts[index])]
            now = {index: end for index in going_on if (end := at_level(index, sharing)) and end.look <= look}
            if not now:
                break
            for index, end in now.items():
                found[index] = Stop(end.word, look)
    return found


def stop(
    differences: NDArray[np.float64],
    counts: Sequence[int],
    level: float,
    same_level: float,
    smallest: float | None,
    at_most: int,
) -> Stop | None:
    """The first look that decides a variant, and what it decides; None where none does.

    Four one-sided tests run side by side: for a difference above 0 and below 0, and for one above minus `smallest` and
    below `smallest`, which together mean `same`.

    Args:
        differences: the differences in the order of the seeds.
        counts: for each look the number of pairs that it sees.
        level: the error of `greater` and `less` together over all looks.
        same_level: twice the error of `same` over all looks.
        smallest: the difference that would matter; None if it is not stated.
        at_most: the largest number of pairs.
    """
    tests = {"greater": _Test(0.0, 1, level / 2), "less": _Test(0.0, -1, level / 2)}
    if smallest is not None:
        tests |= {"above": _Test(-smallest, 1, same_level / 2), "below": _Test(smallest, -1, same_level / 2)}
    seen = _Sums(differences, at_most)
    for look, count in enumerate(counts):
        said = {name for name, test in tests.items() if test.rejects(seen.upto(count), count / at_most)}
        if {"above", "below"} <= said:
            return Stop("same", look)
        if said & {"greater", "less"}:
            return Stop("greater" if "greater" in said else "less", look)
    return None


class _Sums:
    """For every pattern of signs the sum of the first differences, and of the signs themselves."""

    def __init__(self, differences: NDArray[np.float64], at_most: int) -> None:
        self.differences = differences
        self.signs = 1 - 2 * statistics.patterns(at_most)
        self.count, self.sums, self.totals = 0, np.zeros(len(self.signs)), np.zeros(len(self.signs))

    def upto(self, count: int) -> _Sums:
        """The same with the differences up to a number of pairs."""
        if count > self.count:
            new = slice(self.count, count)
            self.sums = self.sums + self.signs[:, new] @ self.differences[new]
            self.totals = self.totals + self.signs[:, new].sum(1)
            self.count = count
        return self


class _Test:
    """A one-sided sequential sign-flip test that the centre of the differences lies on one side of `centre`.

    Args:
        centre: the centre under the null hypothesis.
        side: 1 if large differences speak against it, -1 if small ones do.
        error: the probability of a false rejection over all looks.
    """

    def __init__(self, centre: float, side: int, error: float) -> None:
        self.centre, self.side, self.error = centre, side, error
        self.alive: NDArray[np.bool_] | None = None
        self.rejected = False

    def rejects(self, seen: _Sums, share: float) -> bool:
        """Whether it has rejected at this look or before.

        Args:
            seen: the sums at this look.
            share: the share of all pairs that this look sees.
        """
        if self.rejected:
            return True
        if self.alive is None:
            self.alive = np.ones(len(seen.sums), bool)
        all_patterns = len(self.alive)
        gone = all_patterns - int(self.alive.sum())
        may_go = math.floor(spent(self.error, share) * all_patterns + 1e-9) - gone
        if may_go <= 0:
            return False
        values = self.side * (seen.sums - self.centre * seen.totals)
        values[~self.alive] = -math.inf
        limit = np.partition(values, all_patterns - 1 - may_go)[all_patterns - 1 - may_go]
        crossed = values > limit + 1e-9 * abs(limit)  # at most `may_go` patterns lie above the limit
        self.alive &= ~crossed
        self.rejected = bool(crossed[0])  # the first pattern is what was observed
        return self.rejected


def verdicts(table: pd.DataFrame, baseline: str, decide: DecideSpec, variants: int) -> list[Verdict]:
    """Judge the variants of a sweep with `seeds: auto` by the looks that are complete.

    Nothing is remembered between two looks: the verdicts follow from the table alone, so a sweep that was killed and
    goes on decides as if it had never stopped.

    Args:
        table: the results of the sweep so far.
        baseline: the variant with which the others are compared.
        decide: the metric, the smallest difference that matters, the confidence and the largest number of pairs.
        variants: how many variants the experiment compares with the baseline.

    Raises:
        LabError: As `verdict.verdicts`.
    """
    table = comparable(table, baseline)
    names = [name for name in dict.fromkeys(table["variant"]) if name != baseline]
    sides = [pairs(table, name, baseline, decide.metric) for name in names]
    reached = [_complete(table, name, baseline, decide.at_most) for name in names]
    counts = [
        [sum(seed < seeds for seed in side.seeds) for seeds in ends] for side, ends in zip(sides, reached, strict=True)
    ]
    alpha = 1 - decide.confidence
    ends = stops([side.differences for side in sides], counts, alpha, decide.smallest, decide.at_most, variants)
    counts = [one[: end.look + 1] if end else one for one, end in zip(counts, ends, strict=True)]
    return [
        _judged(side, one, seeds, end, decide, alpha / variants)
        for side, one, seeds, end in zip(sides, counts, reached, ends, strict=True)
    ]


def _complete(table: pd.DataFrame, variant: str, baseline: str, at_most: int) -> list[int]:
    """The looks for whose seeds both variants have a row, whether the trial ended ok or not."""
    both = set.intersection(*({*table.loc[table["variant"] == name, "seed"]} for name in (variant, baseline)))
    return [seeds for seeds in looks(at_most) if both.issuperset(range(seeds))]


def _judged(
    side: Pairs, counts: Sequence[int], reached: list[int], end: Stop | None, decide: DecideSpec, level: float
) -> Verdict:
    """The verdict on one variant after the looks that it took part in."""
    n = counts[-1] if counts else 0
    values = side.differences[:n]
    mean = float(values.mean()) if n else math.nan
    std = float(values.std(ddof=1)) if n > 1 else math.nan
    word, reason = _said(end, side.metric, n, decide, reached)
    more = None
    if end is None and n > 1 and reached[-1] < decide.at_most:
        total = statistics.pairs_needed(mean, std, decide.smallest, n, level)
        more = None if total is None else min(total, decide.at_most) - n
    low, high = _repeated_interval(values, counts, level, decide.at_most)
    return Verdict(
        *(side.variant, side.baseline, side.metric, word, n, mean, low, high, math.nan, std, reason, more),
        correlation=statistics.correlation(side.ours[:n], side.theirs[:n]),
        detectable=statistics.detectable(std, n, level) if n > 1 else math.inf,
        guessing=side.guessing,
    )


def _said(end: Stop | None, metric: str, n: int, decide: DecideSpec, reached: list[int]) -> tuple[Word, str]:
    if end is None:
        if not reached:
            first = looks(decide.at_most)[0]
            return "undecided", f"the first look needs the seeds 0 to {first - 1} of both, and not all have ended"
        if not n:
            return "undecided", "no seed has a trial of both that ended ok"
        if reached[-1] < decide.at_most:
            return "undecided", f"{reached[-1]} of at most {decide.at_most} seeds are done"
        return "undecided", f"the {decide.at_most} seeds that 'decide' allows do not decide it"
    where = f"at look {end.look + 1} of {len(looks(decide.at_most))}, after {n} pairs"
    if end.word == "same":
        return "same", f"the difference is certainly smaller than {decide.smallest:g}, {where}"
    word: Word = "better" if is_better(metric, 1.0 if end.word == "greater" else -1.0) else "worse"
    return word, f"clear {where}"


def _repeated_interval(
    values: NDArray[np.float64], counts: Sequence[int], level: float, at_most: int
) -> tuple[float, float]:
    """All centres that the sequential test has not rejected (Jennison and Turnbull 1989), at this variant's level."""
    if not len(values):
        return -math.inf, math.inf
    ends = []
    for side in (1, -1):

        def rejects(centre: float, side: int = side) -> bool:
            return _rejects(values, counts, level / 2, at_most, centre, side)

        middle = float(values.mean())
        far = middle - side * (2 * float(np.ptp(values)) + 1e-6 * abs(middle) + 1e-12) * len(values)
        ends.append(_boundary(rejects, far, middle) if rejects(far) else -side * math.inf)
    return ends[0], ends[1]


def _rejects(
    values: NDArray[np.float64], counts: Sequence[int], error: float, at_most: int, centre: float, side: int
) -> bool:
    test, seen = _Test(centre, side, error), _Sums(values, at_most)
    return any(test.rejects(seen.upto(count), count / at_most) for count in counts)


def _boundary(holds: Callable[[float], bool], inside: float, outside: float) -> float:
    """Where a condition that holds at `inside` and not at `outside` ends, by bisection."""
    for _ in range(30):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if holds(middle) else (inside, middle)
    return inside
