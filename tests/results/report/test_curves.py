"""Learning curves."""

from resnet_lab.results.report.contents import gather
from resnet_lab.results.report.sections import curves


def test_each_setting_has_a_curve(contents):
    shown = curves.context(contents)
    [chart] = shown["charts"]
    assert chart.count('class="line') == 2
    assert [name for name, _ in shown["legend"]] == ["cifar_resnet20", "cifar_resnet20_v2"]
    assert not shown["note"]


def test_too_many_settings_become_the_best_of_each_variant(grid):
    shown = curves.context(gather([grid.path]))
    assert [name for name, _ in shown["legend"]] == ["a lr=1.5"]
    assert shown["note"] == "1 of 15 settings are drawn: each variant at its setting with the best val accuracy."


def test_a_few_settings_of_one_variant_can_be_told_apart(grid):
    shown = curves.context(gather([grid.path], where="train.optimizer.lr < 0.35"))
    assert len({mark for _, mark in shown["legend"]}) == 3


def test_without_epochs_there_is_no_section(sweep):
    assert curves.context(gather([sweep.path / "trials.csv"])) is None


def test_trials_that_were_stopped_early_have_curves_that_end_early(sweep):
    sweep.put("cifar_resnet20", 0, "stopped", epochs=(2.5,), **{"train.optimizer.lr": 9.0})
    sweep.store()
    shown = curves.context(gather([sweep.path]))
    [chart] = shown["charts"]
    assert chart.count('<g class="stopped">') == 1
    assert [name for name, _ in shown["legend"]][-1] == "1 trials that were stopped early"
