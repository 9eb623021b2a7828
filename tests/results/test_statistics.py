"""Statistics of paired differences against counts by hand and against SciPy."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from resnet_lab.results import statistics

DIFFERENCES = st.lists(st.integers(-(10**6), 10**6).map(lambda millionths: millionths / 1e6), min_size=1, max_size=8)
"""Two sums of these are equal, but for rounding, or clearly apart."""


@given(DIFFERENCES)
def test_the_sign_flip_test_counts_patterns(values):
    sums = [np.dot(signs, values) for signs in itertools.product((1, -1), repeat=len(values))]
    near = 1e-9 * np.abs(values).sum()
    assert statistics.sign_flip(values, "greater") == np.mean([one >= sum(values) - near for one in sums])
    assert statistics.sign_flip(values, "less") == np.mean([one <= sum(values) + near for one in sums])
    two = min(1, 2 * min(statistics.sign_flip(values, "greater"), statistics.sign_flip(values, "less")))
    assert statistics.sign_flip(values) == two


def test_the_sign_flip_test_agrees_with_scipy():
    values = np.random.default_rng(0).normal(0.5, 1, 10)
    theirs = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert statistics.sign_flip(values) == pytest.approx(theirs.pvalue)


@pytest.mark.parametrize("n", [2, 5, 6, 12])
def test_the_smallest_p_is_reached_where_all_differences_have_one_sign(n):
    assert statistics.sign_flip(np.arange(1, n + 1)) == statistics.least_p(n) == 2 / 2**n


@pytest.mark.parametrize(("level", "n"), [(0.05, 6), (0.0125, 8), (0.01, 8), (0.5, 2)])
def test_the_least_number_of_pairs(level, n):
    assert statistics.least_pairs(level) == n
    assert statistics.least_p(n) <= level < statistics.least_p(n - 1)


@given(st.lists(st.integers(-5, 5), min_size=6, max_size=9), st.sampled_from([0.8, 0.95]))
def test_the_interval_holds_the_centres_that_the_test_does_not_reject(values, confidence):
    low, high = statistics.interval(values, confidence)
    for centre in np.arange(-6, 6.1, 0.25):
        rejected = statistics.sign_flip(np.array(values) - centre) <= 1 - confidence + 1e-12
        assert rejected == (not low <= centre <= high), centre


def test_five_pairs_have_no_interval_of_95_percent():
    assert statistics.interval([1, 2, 3, 4, 5], 0.95) == (-math.inf, math.inf)
    assert statistics.interval([1, 2, 3, 4, 5, 6], 0.95) == (1, 6)


def test_many_pairs_are_drawn_and_stay_near_the_t_test():
    values = np.random.default_rng(1).normal(0.3, 1, 30)
    assert statistics.sign_flip(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.02)
    theirs = stats.t.interval(0.95, 29, values.mean(), values.std(ddof=1) / 30**0.5)
    assert statistics.interval(values, 0.95) == pytest.approx(theirs, abs=0.05)


def test_the_bootstrap_interval():
    values = np.random.default_rng(2).exponential(1, 40)
    low, high = statistics.bca(values, 0.95)
    assert low < values.mean() < high
    assert high - values.mean() > values.mean() - low  # it follows the skewness
    assert statistics.bca(values, 0.95) == (low, high)
    assert statistics.bca([0.25] * 6, 0.95) == (0.25, 0.25)
    assert all(map(math.isnan, statistics.bca([1.0], 0.95)))


def test_holm():
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([0.9, 0.8]) == [1, 1]
    assert statistics.holm([]) == []


def test_correlation():
    assert statistics.correlation([1, 2, 3], [2, 4, 6]) == pytest.approx(1)
    assert math.isnan(statistics.correlation([1, 1, 1], [1, 2, 3]))
    assert math.isnan(statistics.correlation([1, 2], [1, 2]))


def test_the_noise_of_the_test_set():
    """Two pairs, four images: the mean over the pairs is -1, 0, 0.5, 0.5."""
    found = statistics.image_noise([[-1, 0, 1, 0], [-1, 0, 0, 1]])
    assert found == pytest.approx(np.std([-1, 0, 0.5, 0.5], ddof=1) / 2)


@pytest.mark.parametrize(("n", "level"), [(8, 0.05), (20, 0.0125)])
def test_the_detectable_difference_is_shown_in_four_of_five(n, level):
    difference = statistics.detectable(2.0, n, level)
    values = np.random.default_rng(3).normal(difference, 2, (4000, n))
    assert np.mean(stats.ttest_1samp(values, 0, axis=1).pvalue <= level) == pytest.approx(0.8, abs=0.02)
    assert statistics.detectable(2.0, 5, 0.05) == math.inf


def test_the_pairs_needed():
    assert statistics.pairs_needed(1.0, 1.0, None, 6, 0.05) == 10
    assert statistics.pairs_needed(10.0, 1.0, None, 3, 0.05) == 6  # fewer cannot reach the level
    assert statistics.pairs_needed(0.0, 1.0, None, 6, 0.05) is None
    assert statistics.pairs_needed(0.0, 1.0, 1.0, 6, 0.05) == 10
    assert statistics.pairs_needed(1e-6, 1.0, None, 6, 0.05) is None
