"""Verdicts on tables whose truth is known."""

import math

import numpy as np
import pytest

from resnet_lab.results.images import ImageOutcomes
from resnet_lab.results.verdict import caveats, is_better, verdicts
from tests.results.tables import table


def one(rows, **options):
    """The one verdict on the accuracy of the only variant."""
    (verdict,) = verdicts(rows, "base", ["test_accuracy"], **options)
    return verdict


def test_a_clear_difference():
    better, worse = verdicts(table(good=0.01, bad=-0.01), "base", ["test_accuracy"])
    assert (better.variant, better.word, worse.variant, worse.word) == ("good", "better", "bad", "worse")
    assert better.p == pytest.approx(2 * 2 / 2**8)  # the least p of 8 pairs, times the two variants
    assert better.n == 8
    assert better.low < better.difference < better.high
    assert better.low > 0.0085
    assert better.high < 0.0115
    assert better.bca_low >= better.low - 1e-9
    assert better.correlation > 0.9
    assert better.more_seeds is None
    assert "corrected for 2 variants" in better.reason


def test_less_loss_is_better():
    found = {verdict.metric: verdict for verdict in verdicts(table(good=0.01), "base", ["test_accuracy", "test_loss"])}
    assert found["test_loss"].word == "better"
    assert found["test_loss"].difference == pytest.approx(-found["test_accuracy"].difference)
    assert not is_better("latency_ms", 1.0)


@pytest.mark.parametrize("shift", [0.001, 0.5])
def test_five_pairs_can_show_nothing_whatever_the_difference(shift):
    found = one(table(seeds=5, v=shift))
    assert found.word == "undecided"
    assert found.reason.startswith(
        "5 pairs: the smallest p they can reach is 0.0625, so no difference can be significant at 0.05"
    )
    assert (found.low, found.high, found.detectable) == (-math.inf, math.inf, math.inf)
    assert any("5 pairs: the smallest p they can reach is 0.0625" in line for line in caveats([found]))
    if shift == 0.5:
        assert found.more_seeds == 1
        assert "about 1 more seed would decide" in found.reason
    assert one(table(seeds=6, v=0.5)).word == "better"


def test_holm_takes_more_pairs_for_more_variants():
    two = verdicts(table(seeds=6, a=0.5, b=0.5), "base", ["test_accuracy"])
    assert [verdict.word for verdict in two] == ["undecided"] * 2
    assert "0.0625, corrected for 2 variants" in two[0].reason
    assert two[0].more_seeds == 1


def test_the_same_needs_a_difference_that_matters():
    rows = table(v=0.0)
    assert one(rows).word == "undecided"
    assert "'" not in one(rows).reason
    same = one(rows, smallest={"test_accuracy": 0.005})
    assert same.word == "same"
    assert -0.005 < same.low < same.high < 0.005
    assert one(rows, smallest={"test_accuracy": 0.0002}).word == "undecided"


def test_a_certain_difference_that_is_too_small_to_matter_is_the_same():
    rows = table(v=0.002)
    assert one(rows).word == "better"
    assert one(rows, smallest={"test_accuracy": 0.005}).word == "same"


@pytest.mark.parametrize("smallest", [None, {"test_accuracy": 0.001}])
def test_equal_pairs_are_never_better_or_worse(smallest):
    rows = table(v=0.0)
    base = list(rows.loc[rows["variant"] == "base", "test_accuracy"])
    found = one(table(v=base), smallest=smallest)
    assert found.word == ("same" if smallest else "undecided")
    assert (found.difference, found.p, found.std) == (0, 1, 0)
    assert (found.bca_low, found.bca_high) == (0, 0)


def test_one_pair_is_no_evidence():
    found = one(table(seeds=1, v=0.5))
    assert (found.word, found.n, found.more_seeds) == ("undecided", 1, None)
    assert "at least 6 pairs are needed" in found.reason


def test_costs_are_counted():
    params, macs = verdicts(table(v=0.0), "base", ["params", "macs"])
    assert (params.word, params.difference, params.reason) == ("worse", 200, "counted: 1,200 and 1,000")
    assert (macs.word, macs.difference) == ("same", 0)
    rows = table(v=0.0)
    rows["macs"] = rows["macs"].where(rows["variant"] == "base")
    assert verdicts(rows, "base", ["macs"])[0].word == "undecided"


def test_the_noise_of_the_test_set_comes_from_the_images_kept():
    right = {"base": [True, True, False, False], "v": [True, False, True, True]}

    def images(trial):
        return ImageOutcomes(np.array(right[trial[:-1]]), np.zeros(4, np.float32))

    found = one(table(v=0.01), images=images)
    assert found.image_noise == pytest.approx(np.std([0, -1, 1, 1], ddof=1) / 2)
    assert any("other test images would move" in line for line in caveats([found]))
    assert math.isnan(one(table(v=0.01), images=lambda trial: None).image_noise)


@pytest.mark.parametrize(
    ("train", "test", "says"),
    [(2.27, 2.27, True), (2.4, 9.7, True), (1.6, 2.4, False), (2.4, 1.6, False), (0.03, 0.04, False)],
)
def test_a_baseline_that_has_hardly_learned_is_named(train, test, says):
    """An overconfident network has a high test loss, and strong augmentation gives a high training loss; not both."""
    rows = table(v=0.01)
    rows["classes"], rows["train_loss"], rows["test_loss"] = 10, train, test
    found = one(rows)
    assert found.guessing == pytest.approx(min(train, test) / math.log(10))
    named = [line for line in caveats([found]) if "the baseline base has hardly learned" in line]
    assert len(named) == says
    assert math.isnan(one(table(v=0.01)).guessing)
    assert not any("hardly" in line for line in caveats([one(table(v=0.01))]))
