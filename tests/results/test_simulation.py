"""The verdicts' errors on trained networks: false ones are rare, planted ones are found, and `auto` needs fewer runs.

The draws are seeded, so the figures do not change from run to run; docs/verdicts.md gives those of 1,000 draws.
"""

from pathlib import Path

import numpy as np
import pytest

from resnet_lab.results.pairs import Pairs
from resnet_lab.results.verdict import judge_metric
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.plan import plan
from tests.conftest import engine_or_skip
from tests.results import simulation
from tests.results.simulation import STD, any_false, auto, differences, fixed, pairs_of_power, right

FEW, MANY = 60, 1000


def test_the_seeds_are_those_of_the_experiment_beside_them():
    engine_or_skip("torch")
    here = Path(__file__).parent
    trials = plan(load(here / "seeds.yaml")).trials
    kept = simulation.pd.read_csv(here / "seeds.csv", dtype={"trial": str})
    assert kept["trial"].tolist() == [trial.id for trial in trials]
    assert len(kept) >= 60
    assert kept["test_accuracy"].std() > 0.005


def test_no_seed_is_drawn_twice():
    (one,) = differences(1, [0.0] * 4, 30)
    assert one.shape == (4, 30)
    with pytest.raises(ValueError, match="reshape"):
        differences(1, [0.0] * 5, 30)


def test_the_simulated_rules_are_those_of_the_verdicts():
    planted = [2.0, -2.0, 0.0]
    words = {"greater": "better", "less": "worse", "same": "same", "": "undecided"}
    simulated = fixed(20, planted, 10, 2.0)
    for values, found in zip(differences(20, planted, 10), simulated, strict=True):
        sides = [
            Pairs(f"v{index}", "base", "test_accuracy", list(range(10)), one, 0 * one, [("", "")] * 10)
            for index, one in enumerate(values)
        ]
        assert [one.word for one in judge_metric(sides, 2 * STD, 0.05)] == [words[word] for word in found]


@pytest.mark.parametrize("variants", [1, 4])
@pytest.mark.parametrize("n", [5, 6, 8, 16])
def test_equal_variants_are_seldom_called_different_by_fixed_seeds(variants, n):
    assert any_false(fixed(MANY, [0.0] * variants, n)) <= (0.05 if n > 5 else 0)


def test_a_planted_difference_of_two_deviations_is_found_by_ten_pairs():
    assert right(fixed(MANY, [2.0] * 4, 10), [2.0] * 4) >= 0.9


def _measure_auto(draws):
    """The three claims about `seeds: auto` with four variants."""
    assert any_false(auto(draws, [0.0] * 4)[0]) <= 0.05
    planted = [2.0] * 4
    found, runs = auto(draws, planted)
    power = right(found, planted)
    assert power >= 0.9
    assert runs <= 0.6 * 5 * pairs_of_power(MANY, planted, power)


def test_auto_with_few_draws():
    _measure_auto(FEW)


@pytest.mark.slow
def test_auto_with_many_draws():
    _measure_auto(MANY)
    assert (auto(MANY, [2.0] * 4, 2.0)[0] == "same").any(1).mean() <= 0.05


@pytest.mark.slow
def test_the_bootstrap_interval_is_too_narrow_and_the_one_of_the_verdicts_is_not():
    found = simulation.coverage(MANY, 8)
    assert found["bca"] < 0.92
    assert found["sign-flip"] >= 0.94
    assert np.isfinite(found["t"])
