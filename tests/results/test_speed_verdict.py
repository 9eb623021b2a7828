"""Verdicts on speed: the ratio, its interval, and the rules."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from resnet_lab.results.speed_verdict import judge, median_interval, spread


def times(ratio, turns=40, noise=0.01, drift=0.0, seed=0):
    """The times of two networks, in turns; the machine becomes slower by `drift` meanwhile."""
    generator = np.random.default_rng(seed)
    slowly = np.linspace(1, 1 + drift, turns)
    return tuple(slowly * mean * generator.lognormal(0, noise, turns) for mean in (1.0, ratio))


@pytest.mark.parametrize(("ratio", "word"), [(1.0, "same"), (1.02, "same"), (1.1, "slower"), (0.9, "faster")])
def test_the_word_follows_from_the_interval_and_the_margin(ratio, word):
    found = judge(*times(ratio))
    assert found.word == word
    assert found.low <= found.ratio <= found.high
    assert found.ratio == pytest.approx(ratio, rel=0.01)
    assert found.turns == 40


def test_an_interval_on_both_sides_of_the_margin_decides_nothing():
    found = judge([1.0] * 40, np.linspace(1.0, 1.09, 40).tolist())
    assert 1 < found.low < 1.05 < found.high
    assert (found.word, found.reason) == ("undecided", "the interval allows differences below and above 5%")


def test_a_small_difference_is_never_a_rank_however_sure_it_is():
    found = judge(*times(1.04, turns=400, noise=0.001))
    assert found.low > 1
    assert found.word == "same"
    assert judge(*times(1.04, turns=400, noise=0.001), same=0.01).word == "slower"


def test_a_slow_change_of_the_machine_meets_both():
    baseline, network = times(1.1, drift=0.8)
    assert spread(baseline) > 0.25
    assert judge(baseline, network).word == "slower"
    assert judge(*times(1.0, drift=0.8)).word == "same"


def test_networks_are_not_ranked_where_ratios_scatter():
    found = judge(*times(2.0, noise=0.3))
    assert found.low > 1
    assert found.word == "undecided"
    assert "the machine was not quiet: the quartiles of the ratios lie" in found.reason


def test_few_turns_decide_nothing():
    found = judge([1.0] * 5, [1.1] * 5)
    assert (found.low, found.high, found.word) == (-math.inf, math.inf, "undecided")


@pytest.mark.parametrize("n", [6, 9, 30, 100])
def test_the_interval_of_the_median_holds_its_confidence(n):
    values = np.random.default_rng(n).permutation(n) + 1.0
    low, high = median_interval(values)
    outside = binom.cdf(low - 1, n, 0.5)  # that less than `low` values lie below the median
    assert high == n + 1 - low
    assert outside <= 0.025 < binom.cdf(low, n, 0.5)


def test_the_spread_is_that_of_the_quartiles():
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == pytest.approx(2 / 3)
