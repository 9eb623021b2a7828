"""Measures the errors of the verdicts on trained networks: `python -m tests.results.simulation` prints all figures.

`seeds.csv` holds the test accuracies of 160 seeds of one small network (the experiment `seeds.yaml` beside it, with the
variant that it names). A draw takes some of the 160 without replacement and deals them out to the baseline and to the
variants, so no seed is in two of them, and all are equal until a difference is planted. These pairs have independent
sides; real pairs share their seed, which makes the differences smaller, or leaves them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from resnet_lab.results import sequential, statistics, verdict

ACCURACIES = pd.read_csv(Path(__file__).with_name("seeds.csv"))["test_accuracy"].to_numpy()
STD = ACCURACIES.std(ddof=1)
ALPHA, AT_MOST = 0.05, 30


def differences(draws: int, planted: list[float], n: int) -> NDArray[np.float64]:
    """The differences of `draws` experiments, (draws, variants, n).

    Args:
        planted: for each variant what is added to its accuracies, in standard deviations of the seeds.
        n: the number of pairs.
    """
    generator = np.random.default_rng(0)
    sides = 1 + len(planted)
    dealt = [generator.permutation(ACCURACIES)[: sides * n].reshape(sides, n) for _ in range(draws)]
    baseline, variants = np.split(np.array(dealt), [1], axis=1)
    return variants - baseline + STD * np.array(planted)[:, None]


def fixed(draws: int, planted: list[float], n: int, smallest: float | None = None) -> NDArray[np.str_]:
    """What n pairs find, (draws, variants), '' where they leave it undecided; rules as in `verdict.judge_metric`."""
    values = differences(draws, planted, n)
    found = np.where(values.mean(-1) > 0, "greater", "less")
    found = np.where(_corrected(statistics.sign_flip, values) <= ALPHA, found, "")
    if smallest is None:
        return found
    alike = _corrected(lambda some: verdict.p_of_equivalence(some, smallest * STD), values)
    return np.where(alike <= ALPHA, "same", found)


def _corrected(
    test: Callable[[NDArray[np.float64]], NDArray[np.float64]], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The p-values of a test, corrected over the variants of each draw."""
    p = np.concatenate([test(some) for some in np.array_split(values, max(1, len(values) // 25))])
    return np.array([statistics.holm(list(row)) for row in p])


def auto(draws: int, planted: list[float], smallest: float | None = None) -> tuple[NDArray[np.str_], float]:
    """What `seeds: auto` finds, (draws, variants), '' where it stays undecided; and the mean number of runs.

    Args:
        smallest: the difference that would matter, in standard deviations of the seeds.
    """
    looks = sequential.looks(AT_MOST)
    limit = None if smallest is None else smallest * STD
    words, runs = [], []
    for draw in differences(draws, planted, AT_MOST):
        ends = sequential.stops(list(draw), [looks] * len(draw), ALPHA, limit, AT_MOST, len(draw))
        seeds = [looks[end.look] if end else AT_MOST for end in ends]
        words.append([end.word if end else "" for end in ends])
        runs.append(sum(seeds) + max(seeds))
    return np.array(words), float(np.mean(runs))


def any_false(found: NDArray[np.str_]) -> float:
    """The share of experiments in which at least one of the equal variants was called better or worse."""
    return float(np.isin(found, ["greater", "less"]).any(1).mean())


def right(found: NDArray[np.str_], planted: list[float]) -> float:
    """The share of the variants whose verdict is right: `greater` where a difference was planted, else `same`."""
    return float((found == np.where(np.array(planted) > 0, "greater", "same")).mean())


def pairs_of_power(draws: int, planted: list[float], power: float, smallest: float | None = None) -> int:
    """The least number of pairs with which the fixed design is right as often as `power`."""
    numbers = range(6, AT_MOST + 1)
    return next(n for n in numbers if right(fixed(draws, planted, n, smallest), planted) >= power)


def coverage(draws: int, n: int) -> dict[str, float]:
    """How often intervals of 95 % of equal variants hold the difference 0."""
    values = differences(draws, [0.0], n)[:, 0]
    half = stats.t.isf(ALPHA / 2, n - 1) * values.std(1, ddof=1) / n**0.5
    ends = {
        "sign-flip": [statistics.interval(one, 1 - ALPHA) for one in values],
        "bca": [statistics.bca(one, 1 - ALPHA) for one in values],
        "t": list(zip(values.mean(1) - half, values.mean(1) + half, strict=True)),
    }
    return {name: float(np.mean([low <= 0 <= high for low, high in found])) for name, found in ends.items()}


def main(draws: int = 1000) -> None:
    print(f"{len(ACCURACIES)} seeds, mean {ACCURACIES.mean():.4f}, standard deviation {STD:.4f}; {draws} draws\n")
    print("false verdicts of equal variants, fixed seeds:")
    for variants in (1, 4):
        shares = ", ".join(f"{n} pairs {any_false(fixed(draws, [0.0] * variants, n)):.3f}" for n in (6, 8, 16, 30))
        print(f"  {variants} variant(s): {shares}")
    print("false verdicts of equal variants, seeds: auto, all looks:")
    for variants, smallest in ((1, None), (4, None), (4, 2.0)):
        found, runs = auto(draws, [0.0] * variants, smallest)
        same = (found == "same").mean()
        print(f"  {variants} variant(s), smallest {smallest}: {any_false(found):.3f}; same {same:.3f}; runs {runs:.1f}")
    found, _ = auto(draws, [2.0] * 4, 2.0)
    print(f"'same' of 4 variants that differ by exactly 'smallest': {(found == 'same').any(1).mean():.3f}")
    print("planted differences in standard deviations; runs of auto and of fixed designs:")
    power_at_one = right(auto(draws, [1.0] * 4)[0], [1.0] * 4)
    planned = pairs_of_power(draws, [1.0] * 4, power_at_one)
    print(
        f"  auto finds 1 in {power_at_one:.3f}; the fixed design of this power has {planned} pairs, {5 * planned} runs"
    )
    for planted, smallest in (([2.0] * 4, None), ([2.0, 0.0, 0.0, 0.0], 2.0), ([2.0], None)):
        found, runs = auto(draws, planted, smallest)
        power = right(found, planted)
        pairs = pairs_of_power(draws, planted, power, smallest)
        equal = (1 + len(planted)) * pairs
        print(
            f"  planted {planted}, smallest {smallest}: right {power:.4f}, {runs:.1f} runs; fixed of the same power "
            f"here: {pairs} pairs, {equal} runs, {1 - runs / equal:.0%} fewer; planned for 1: "
            f"{1 - runs / ((1 + len(planted)) * planned):.0%} fewer"
        )
    print("coverage of intervals of 95 %:")
    for n in (6, 8, 10, 20):
        print(f"  {n} pairs: " + ", ".join(f"{name} {share:.3f}" for name, share in coverage(draws, n).items()))


if __name__ == "__main__":
    main()
