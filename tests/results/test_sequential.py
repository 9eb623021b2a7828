"""Verdicts with `seeds: auto`: the looks, the error that each spends, and what follows from a table.

tests/results/test_simulation.py measures the errors of the whole design.
"""

import math

import numpy as np
import pandas as pd
import pytest

from resnet_lab.results import sequential, statistics
from resnet_lab.results.sequential import Stop, looks, spent, stop, stops
from resnet_lab.specs.experiment import DecideSpec

RNG = np.random.default_rng(0)
NOISE = RNG.normal(0, 1, (40, 30))


def test_a_look_follows_each_seed_from_the_sixth_on():
    assert looks(6) == [6]
    assert looks(9) == [6, 7, 8, 9]


def test_all_of_the_error_is_spent_at_the_end():
    assert spent(0.05, 1) == pytest.approx(0.05)
    assert spent(0.05, 0) == 0
    assert spent(0.05, 0.3) < spent(0.05, 0.4)


def decided(differences, smallest=None, at_most=12, level=0.05):
    return stop(np.asarray(differences, float), looks(at_most), level, level, smallest, at_most)


@pytest.mark.parametrize(("sign", "word"), [(1, "greater"), (-1, "less")])
def test_differences_of_one_sign_are_decided_as_soon_as_the_patterns_allow(sign, word):
    """Of 2^n patterns one is as extreme, and a part of half the error has been spent: 7 pairs are enough."""
    values = sign * np.arange(1, 13)
    assert spent(0.02, 6 / 12) < 2**-6
    assert spent(0.02, 7 / 12) > 2**-7
    assert decided(values, level=0.04) == Stop(word, 1)


def test_equal_pairs_are_the_same_or_undecided():
    assert decided(np.zeros(12)) is None
    assert decided(np.zeros(12), smallest=0.1).word == "same"


def test_small_differences_are_the_same():
    values = 0.01 * NOISE[0, :12]
    assert decided(values, smallest=0.05).word == "same"
    assert decided(values, smallest=0.0001) is None


def test_one_look_is_the_sign_flip_test():
    """With a single look all of the error is spent there, and the decision is that of the fixed design."""
    for values in NOISE[:, :12] + 0.7:
        end = stop(values, [12], 0.05, 0.05, None, 12)
        assert (end is not None) == (statistics.sign_flip(values) <= 0.05)


def test_a_decision_is_not_taken_back_by_later_looks():
    for values in NOISE[:, :12] + 1.0:
        ends = [stop(values, looks(12)[:count], 0.05, 0.05, None, 12) for count in range(1, 8)]
        first = next((end for end in ends if end is not None), None)
        assert all(end == first for end in ends if end is not None)


def test_a_variant_that_differs_leaves_its_part_of_the_error_to_the_others():
    clear = np.arange(1.0, 13)
    passed_on = 0
    for close in NOISE[:, :12] + 0.6:
        level, half = (stop(close, looks(12), share, share, None, 12) for share in (0.05, 0.025))
        both = stops([clear, close], [looks(12)] * 2, 0.05, None, 12, 2)
        assert stops([close], [looks(12)], 0.05, None, 12, 2) == [half]
        assert both[0].word == "greater"
        assert (both[1] is None) == (level is None)
        passed_on += half is None and level is not None
    assert passed_on > 3


def test_variants_without_pairs_take_their_part_of_the_error():
    values = np.arange(1.0, 13)
    few, many = (stops([values], [looks(12)], 0.05, None, 12, variants)[0].look for variants in (1, 20))
    assert few < many


def table(seeds, shift=0.05, baseline_seeds=None, status="ok"):
    rows = []
    for variant in ("base", "v"):
        for seed in range(seeds if variant == "v" else baseline_seeds or seeds):
            value = 0.9 + 0.001 * NOISE[int(variant == "v"), seed] + (variant == "v") * shift
            rows.append({"variant": variant, "seed": seed, "status": status, "test_accuracy": value})
    return pd.DataFrame(rows)


DECIDE = DecideSpec(smallest=0.01, at_most=12)


def one(rows, decide=DECIDE, variants=2):
    (verdict,) = sequential.verdicts(rows, "base", decide, variants)
    return verdict


def test_a_verdict_of_a_sweep():
    """With two variants 6 pairs cannot reach the share of the error that has been spent, and 7 can."""
    found = one(table(8))
    assert (found.word, found.n) == ("better", 7)
    assert found.reason == "clear at look 2 of 7, after 7 pairs"
    assert math.isnan(found.p)  # the looks decide
    assert 0.04 < found.low < found.difference < found.high < 0.06
    assert one(table(8, -0.05)).word == "worse"
    same = one(table(8, 0.0))
    assert same.word == "same"
    assert -0.01 < same.low < same.high < 0.01


def test_seeds_that_came_after_the_decision_do_not_change_it():
    late = table(12)
    late.loc[(late["variant"] == "v") & (late["seed"] >= 8), "test_accuracy"] = 0.0
    assert repr(one(late)) == repr(one(table(8)))  # NaN does not equal itself


def test_a_look_counts_only_when_all_its_trials_have_ended():
    found = one(table(6, baseline_seeds=12))
    assert (found.word, found.n, found.reason) == ("undecided", 6, "6 of at most 12 seeds are done")
    assert found.more_seeds == 1
    assert one(table(5)).reason == "the first look needs the seeds 0 to 5 of both, and not all have ended"


def test_trials_that_failed_are_no_pairs_but_do_not_hold_the_sweep_up():
    rows = table(8)
    rows.loc[(rows["variant"] == "v") & (rows["seed"] == 2), "status"] = "diverged"
    found = one(rows)
    assert (found.n, found.word) == (7, "better")
    nothing = one(table(12, status="failed"))
    assert (nothing.n, nothing.word) == (0, "undecided")
    assert nothing.reason == "no seed has a trial of both that ended ok"


def test_at_the_last_look_it_stays_undecided():
    rows = table(12, 0.0)
    found = one(rows, DecideSpec(at_most=12))
    assert found.word == "undecided"
    assert found.reason == "the 12 seeds that 'decide' allows do not decide it"
    assert found.more_seeds is None
    assert found.low < 0 < found.high


def test_the_interval_agrees_with_the_decision():
    for values in NOISE[:, :12] + 0.8:
        end = decided(values)
        counts = looks(12)[: end.look + 1] if end else looks(12)
        low, high = sequential._repeated_interval(values[: counts[-1]], counts, 0.05, 12)
        assert (end is not None) == (not low <= 0 <= high)
