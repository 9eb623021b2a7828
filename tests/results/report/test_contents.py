"""What a report gathers from results folders."""

import pytest

from resnet_lab.base.errors import LabError
from resnet_lab.results.report.contents import gather
from tests.results.report.conftest import VARIANTS


def test_the_design_of_the_experiment_gives_baseline_and_verdicts(contents):
    assert contents.baseline == VARIANTS[0]
    assert contents.variants == list(VARIANTS)
    words = {verdict.metric: verdict.word for verdict in contents.verdicts}
    assert words == {"test_accuracy": "better", "train_images_per_s": "worse", "params": "worse", "macs": "worse"}
    assert not contents.problem


def test_settings_hold_means_of_the_trials_that_ended_ok(contents):
    first, second = contents.settings.to_dict("records")
    assert (first["n"], second["n"]) == (6, 5)
    assert second["test_accuracy"] == pytest.approx(0.922)
    assert second["test_accuracy_std"] > 0
    assert [first["label"], second["label"]] == list(VARIANTS)


def test_settings_of_a_grid_are_never_averaged(grid):
    contents = gather([grid.path])
    assert len(contents.settings) == 15
    assert contents.settings["label"].iloc[1] == "a lr=0.2"


def test_without_a_baseline_the_problem_is_said(grid):
    contents = gather([grid.path])
    assert not contents.verdicts
    assert "--baseline" in contents.problem


def test_a_wrong_baseline_is_refused(sweep):
    with pytest.raises(LabError, match="cifar_resnet20"):
        gather([sweep.path], baseline="cifar_resnet21")


def test_the_condition_chooses_trials(sweep):
    contents = gather([sweep.path], where="seed < 2")
    assert len(contents.table) == 4
    assert any("seed < 2" in note for note in contents.notes)
    with pytest.raises(LabError, match="no trial"):
        gather([sweep.path], where="seed > 99")


def test_stale_trials_are_left_out(sweep):
    sweep.store(current=list(sweep.labels)[:4])
    contents = gather([sweep.path])
    assert len(contents.table) == 4
    assert contents.notes[0].startswith("8 stale trial(s)")


def test_rows_of_two_precisions_are_named(sweep, contents):
    assert not any("precision" in note or "dtype" in note for note in contents.notes)
    sweep.labels[next(iter(sweep.labels))]["dtype"] = "tf32"
    sweep.store()
    [note] = gather([sweep.path]).notes
    assert note == "warning: the rows differ in what a comparison must hold fixed: dtype (tf32, float32)"


def test_a_csv_file_alone_has_no_epochs_and_no_networks(sweep):
    contents = gather([sweep.path / "trials.csv"], baseline=VARIANTS[0])
    assert contents.verdicts
    assert contents.epochs.empty
    assert contents.trial(VARIANTS[0]) is None


def test_epochs_belong_to_trials_that_ended_ok(contents):
    assert contents.epochs["trial"].nunique() == 11
    assert set(contents.epochs["label"]) == set(VARIANTS)


def test_one_damaged_configuration_leaves_the_next(contents, sweep):
    first = next(iter(sweep.labels))
    (sweep.path / "trials" / first / "trial.json").write_text("{")
    assert contents.trial(VARIANTS[0])["graph"]
