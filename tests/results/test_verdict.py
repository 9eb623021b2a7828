"""Verdicts on tables whose truth is known."""

import math

import numpy as np
import pandas as pd
import pytest

from resnet_lab import LabError
from resnet_lab.results.images import ImageOutcomes
from resnet_lab.results.verdict import caveats, is_better, verdicts


def table(seeds=8, **accuracies):
    """A table with a variant for each keyword: a list of accuracies, or a shift to those of the variant `base`."""
    base = 0.9 + np.random.default_rng(0).normal(0, 0.01, seeds)
    noise = np.random.default_rng(1).normal(0, 0.001, seeds)
    rows = []
    for variant, given in {"base": 0.0, **accuracies}.items():
        values = given if isinstance(given, list) else base + given + noise * (variant != "base")
        for seed, value in enumerate(values):
            rows.append(
                {
                    "trial": f"{variant}{seed}",
                    "variant": variant,
                    "seed": seed,
                    "status": "ok",
                    "test_accuracy": value,
                    "test_loss": 1 - value,
                    "params": 1000 if variant == "base" else 1200,
                    "macs": 5000,
                    "started": f"2026-01-01T00:{seed:02}:{len(rows) % 60:02}Z",
                    "device": "cpu",
                    "train.optimizer.lr": 0.1,
                }
            )
    return pd.DataFrame(rows)


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


def test_only_seeds_that_both_ended_ok_are_pairs():
    rows = table(v=0.01)
    rows.loc[(rows["variant"] == "v") & (rows["seed"] == 3), "status"] = "diverged"
    rows.loc[(rows["variant"] == "base") & (rows["seed"] == 5), "test_accuracy"] = math.nan
    found = one(rows)
    assert found.n == 6
    rows.loc[rows["variant"] == "v", "status"] = "failed"
    nothing = one(rows)
    assert (nothing.word, nothing.n) == ("undecided", 0)
    assert nothing.reason == "no seed has a trial of both that ended ok"


def test_one_pair_is_no_evidence():
    found = one(table(seeds=1, v=0.5))
    assert (found.word, found.n, found.more_seeds) == ("undecided", 1, None)
    assert "at least 6 pairs are needed" in found.reason


def test_stale_trials_are_left_out():
    rows = table(v=0.01)
    rows["stale"] = rows["seed"] > 5
    assert one(rows).n == 6


def test_costs_are_counted():
    params, macs = verdicts(table(v=0.0), "base", ["params", "macs"])
    assert (params.word, params.difference, params.reason) == ("worse", 200, "counted: 1,200 and 1,000")
    assert (macs.word, macs.difference) == ("same", 0)
    rows = table(v=0.0)
    rows["macs"] = rows["macs"].where(rows["variant"] == "base")
    assert verdicts(rows, "base", ["macs"])[0].word == "undecided"


def speeds(**changes):
    rows = table(v=0.0)
    rows["train_images_per_s"] = np.where(rows["variant"] == "v", 200.0, 100.0) + rows["seed"]
    rows["train_images_per_s_p10"] = rows["train_images_per_s"] * 0.95
    rows["train_images_per_s_p90"] = rows["train_images_per_s"] * 1.05
    return rows.assign(**changes)


@pytest.mark.parametrize(
    ("changes", "word", "reason"),
    [
        ({}, "better", "p is"),
        ({"train_images_per_s_p10": 10.0}, "undecided", "was not quiet"),
        ({"started": [f"2026-01-01T{n:02}" for n in range(16)]}, "undecided", "did not run in turns"),
        ({"started": None}, "undecided", "do not say when"),
        ({"device": ["cpu"] * 15 + ["gpu:0"]}, "undecided", "in different places (device)"),
    ],
)
def test_speed_is_judged_only_from_turns_on_a_quiet_machine(changes, word, reason):
    (found,) = verdicts(speeds(**changes), "base", ["train_images_per_s"])
    assert found.word == word
    assert reason in found.reason
    assert found.difference == 100


def test_the_noise_of_the_test_set_comes_from_the_images_kept():
    right = {"base": [True, True, False, False], "v": [True, False, True, True]}

    def images(trial):
        return ImageOutcomes(np.array(right[trial[:-1]]), np.zeros(4, np.float32))

    found = one(table(v=0.01), images=images)
    assert found.image_noise == pytest.approx(np.std([0, -1, 1, 1], ddof=1) / 2)
    assert any("other test images would move" in line for line in caveats([found]))
    assert math.isnan(one(table(v=0.01), images=lambda trial: None).image_noise)


@pytest.mark.parametrize(
    ("rows", "baseline", "options", "message"),
    [
        (table(v=0.0), "bas", {}, "unknown variant 'bas'; did you mean 'base'"),
        (table(), "base", {}, "there is no variant beside base"),
        (table(v=0.0), "base", {"metrics": ["test_acc"]}, "unknown metric 'test_acc'; did you mean 'test_accuracy'"),
        (table(v=0.0), "base", {"smallest": {"top1": 1}}, "unknown metric 'top1'"),
        (table(v=0.0).drop(columns="seed"), "base", {}, "no column 'seed'"),
        (
            table(v=0.0).assign(**{"train.optimizer.lr": [0.1, 0.2] * 8}),
            "base",
            {},
            'the trials differ in train.optimizer.lr, .* --where "train.optimizer.lr == 0.1"',
        ),
    ],
)
def test_what_cannot_be_judged_is_refused(rows, baseline, options, message):
    with pytest.raises(LabError, match=message):
        verdicts(rows, baseline, **options)
