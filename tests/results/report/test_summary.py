"""The summary: counts, and a row for each variant with its verdict and its price."""

from resnet_lab.results import design
from resnet_lab.results.report.contents import gather
from resnet_lab.results.report.sections import summary
from resnet_lab.specs.experiment import DecideSpec
from tests.results.report.conftest import VARIANTS


def test_a_variant_has_its_verdict_and_its_price(contents):
    shown = summary.context(contents)
    [row] = shown["rows"]
    assert (row["variant"], row["word"], row["difference"], row["pairs"]) == (VARIANTS[1], "better", "+0.0200", 5)
    costs = dict(zip(shown["costs"], row["costs"], strict=True))
    assert costs["train img/s"]["text"] == "-20.0 %"
    assert costs["params"]["text"] == "+0.9 %"
    assert (shown["baseline"], shown["smallest"], shown["confidence"]) == (VARIANTS[0], 0.01, "90 %")


def test_failures_are_counted(contents):
    shown = summary.context(contents)
    assert shown["tiles"][0] == ("11", "trials that ended ok")
    assert shown["notes"] == ["1 trial(s) ended as failed"]


def test_a_trial_that_was_stopped_early_is_no_failure(sweep):
    sweep.put("cifar_resnet20", 9, "stopped")
    sweep.store()
    shown = summary.context(gather([sweep.path]))
    assert shown["tiles"][1] == ("1", "trials that were stopped early")
    assert sorted(shown["notes"]) == ["1 trial(s) ended as failed", "1 trial(s) were stopped early, by 'halving'"]


def test_the_best_setting_is_named(contents):
    assert ("0.9220", f"highest mean test accuracy: {VARIANTS[1]}") in summary.context(contents)["tiles"]


def test_too_few_pairs_have_no_interval(sweep):
    shown = summary.context(gather([sweep.path], where="seed < 2"))
    [row] = shown["rows"]
    assert (row["word"], row["interval"]) == ("undecided", "")
    assert "smallest p they can reach" in shown["caveats"][0]


def test_nothing_ended_ok(folder):
    folder.put("a", 0, "failed")
    folder.put("b", 0, "failed")
    folder.store()
    shown = summary.context(gather([folder.path], baseline="a"))
    assert shown["tiles"][0] == ("0", "trials that ended ok")
    assert [row["reason"] for row in shown["rows"]] == ["no seed has a trial of both that ended ok"]


def test_another_baseline_is_judged_by_the_defaults(sweep):
    shown = summary.context(gather([sweep.path], baseline=VARIANTS[1]))
    [row] = shown["rows"]
    assert (row["variant"], row["difference"]) == (VARIANTS[0], "-0.0200")
    assert (shown["baseline"], shown["smallest"], shown["confidence"]) == (VARIANTS[1], None, "95 %")


def test_the_metric_of_the_experiment_comes_first(sweep):
    decide = DecideSpec(metric="wall_s", confidence=0.9)
    design.keep(sweep.path, design.Design(VARIANTS[0], decide, False, 1))
    shown = summary.context(gather([sweep.path]))
    assert shown["metric"] == "wall s"
    assert shown["rows"][0]["difference"] == "+0.0000"
    assert "test accuracy" in shown["costs"]
