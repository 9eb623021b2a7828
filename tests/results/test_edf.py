"""Populations by the distributions of their errors: known distributions, their bands, and the test."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.results import edf, statistics


def table(*populations, seeds=1):
    """A table of populations (name, accuracies), a trial for each network and seed; NaN is a trial that diverged."""
    rows = [
        {
            "trial": f"{name}{index}/{seed}",
            "variant": name,
            "setting": f"{name}{index}",
            "seed": seed,
            "status": "diverged" if np.isnan(accuracy) else "ok",
            "test_accuracy": accuracy,
            "val_accuracy": accuracy / 2,
        }
        for name, accuracies in populations
        for index, accuracy in enumerate(accuracies)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def normal(mean, count, seed):
    return 1 - np.random.default_rng(seed).normal(mean, 0.02, count)


def test_the_distribution_of_known_errors():
    (one,) = edf.populations(table(("a", [0.95, 0.9, 0.8, 0.6])))
    assert one.errors.tolist() == [0.05, 0.1, 0.2, 0.4]
    assert one.below([0.05, 0.06, 0.2, 0.21, 1]).tolist() == [0, 0.25, 0.5, 0.75, 1]
    row = edf.summary([one], levels=[0.15]).iloc[0]
    assert (row["population"], row["n"], row["min"], row["median"]) == ("a", 4, 0.05, pytest.approx(0.15))
    assert row["below_0.15"] == 0.5


def test_a_network_with_several_seeds_counts_once():
    rows = table(("a", [0.9, 0.7]), seeds=2)
    rows.loc[0, "test_accuracy"] = 0.8
    (one,) = edf.populations(rows)
    assert one.errors.tolist() == [0.15, 0.3]


def test_a_trial_that_diverged_has_the_error_1_and_one_that_failed_is_left_out():
    rows = table(("a", [0.9, np.nan, 0.7]), ("b", [0.9]))
    rows.loc[2, "status"] = "failed"
    one, other = edf.populations(rows)
    assert one.errors.tolist() == [0.1, 1.0]
    assert edf.notes([one, other]) == [
        "1 trial(s) of a diverged; each counts with the error 1",
        "1 trial(s) of a failed or were stopped early, and are left out",
    ]


def test_stale_trials_are_left_out():
    rows = table(("a", [0.9, 0.7])).assign(stale=[True, False])
    assert edf.populations(rows)[0].errors.tolist() == [0.3]


def test_the_band_is_that_of_a_bootstrap():
    errors = np.sort(np.random.default_rng(0).uniform(0, 1, 60))
    one = edf.Population("a", errors, 0, 0)
    drawn = np.random.default_rng(1).choice(errors, (20_000, 60))
    for level in (0.1, 0.3, 0.8):
        low, high = one.band(level, 0.9)
        expected = np.quantile((drawn < level).mean(1), (0.05, 0.95))
        assert [float(low), float(high)] == pytest.approx(expected.tolist(), abs=1 / 60)


def test_the_band_holds_the_true_share_about_as_often_as_it_says():
    generator, held = np.random.default_rng(0), 0
    for _ in range(400):
        low, high = edf.Population("a", np.sort(generator.uniform(0, 1, 100)), 0, 0).band(0.4, 0.95)
        held += low <= 0.4 <= high
    assert 0.91 < held / 400 < 0.99


def test_populations_are_tested_against_the_baseline_with_holms_correction():
    several = edf.populations(table(("a", normal(0.1, 80, 0)), ("b", normal(0.1, 80, 1)), ("c", normal(0.12, 80, 2))))
    found = edf.summary(several).set_index("population")
    tests = [ks_2samp(one.errors, several[0].errors) for one in several[1:]]
    assert np.isnan(found.loc["a", ["ks", "p"]].astype(float)).all()
    assert found.loc[["b", "c"], "ks"].tolist() == [test.statistic for test in tests]
    assert found.loc[["b", "c"], "p"].tolist() == statistics.holm([test.pvalue for test in tests])
    assert found.loc["b", "p"] > 0.05 > found.loc["c", "p"]
    assert found.loc["c", "median"] - found.loc["a", "median"] == pytest.approx(0.02, abs=0.01)
    against = edf.summary(several, "c").set_index("population")
    assert np.isnan(against.loc["c", "p"])
    assert (against.loc[["a", "b"], "p"] < 0.05).all()


def test_equal_populations_are_seldom_told_apart():
    wrong = 0
    for seed in range(200):
        several = edf.populations(table(("a", normal(0.1, 30, 2 * seed)), ("b", normal(0.1, 30, 2 * seed + 1))))
        wrong += edf.summary(several)["p"].iloc[1] <= 0.05
    assert wrong / 200 <= 0.08


def test_levels_are_chosen_from_all_errors_together():
    several = edf.populations(table(("a", 1 - np.arange(1, 51) / 100), ("b", 1 - np.arange(51, 101) / 100)))
    assert edf.usual_levels(several) == [0.11, 0.26, 0.51]
    assert [name for name in edf.summary(several) if name.startswith("below_0.26")] == [
        "below_0.26",
        "below_0.26_low",
        "below_0.26_high",
    ]


def test_populations_by_other_columns_and_of_another_accuracy():
    rows = table(("a", [0.9, 0.8])).assign(block=["x", "y"], experiment="e")
    assert [one.name for one in edf.populations(rows)] == ["e"]
    assert [one.name for one in edf.populations(rows, ["variant", "block"])] == ["a x", "a y"]
    assert edf.populations(rows, ["variant"], "val_accuracy")[0].errors.tolist() == [0.55, 0.6]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((["vraiant"],), "unknown column 'vraiant'; did you mean 'variant'?"),
        ((None, "seed"), "unknown accuracy 'seed'"),
        ((None, "best_val_accuracy"), "unknown accuracy 'best_val_accuracy'; did you mean 'val_accuracy'?"),
    ],
)
def test_what_is_not_there_is_named(words, message):
    with pytest.raises(LabError) as refused:
        edf.populations(table(("a", [0.9])), *words)
    assert message in str(refused.value)


def test_without_results_there_is_nothing_to_compare():
    with pytest.raises(LabError, match="no trial has the accuracy 'test_accuracy'"):
        edf.populations(table(("a", [0.9])).assign(status="failed"))
    with pytest.raises(LabError, match="unknown population 'd'"):
        edf.summary(edf.populations(table(("a", [0.9]))), "d")


def test_a_plot(tmp_path):
    pytest.importorskip("matplotlib")
    several = edf.populations(table(("a", normal(0.1, 20, 0)), ("b", [np.nan])))
    edf.plot(several, tmp_path / "edf.svg")
    drawn = (tmp_path / "edf.svg").read_text()
    assert "a (n=20)" in drawn or "<use" in drawn  # letters may be drawn as outlines


def test_the_python_function_reads_folders(tmp_path):
    for name, mean in (("narrow", 0.1), ("wide", 0.2)):
        (tmp_path / name).mkdir()
        rows = table(("net", normal(mean, 20, 0)))
        rows.assign(trial=name + rows["trial"]).to_csv(tmp_path / name / "trials.csv", index=False)
    found = rl.edf([tmp_path / "narrow", tmp_path / "wide"], levels=[0.15], where="seed == 0")
    assert found["population"].tolist() == ["narrow", "wide"]
    assert found["below_0.15"].tolist() == [1, 0]
    assert rl.edf(tmp_path / "narrow", by="setting")["n"].tolist() == [1] * 20
