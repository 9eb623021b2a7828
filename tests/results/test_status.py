"""How far a sweep is, from its plan, its lock, its table and the folders of its trials."""

import os
import sys
import time

import pytest
from filelock import FileLock

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.base.files import write_json
from resnet_lab.results.lock import LOCK
from resnet_lab.results.plan_file import PlannedTrial, SweepPlan, keep
from resnet_lab.results.status import RunningTrial, status
from tests.conftest import heavy_imports

BEGAN = 1767225600.0
"""2026-01-01T00:00:00Z; the trials of the fixture `folder` begin one second after another from there."""


@pytest.fixture
def planned(folder, monkeypatch):
    """Write a plan of the named trials, of which each has 4 epochs and costs 100, and set the time of day."""

    def write(*trials, seconds=60.0, trained=(), at_most=False, fresh=False, began=BEGAN):
        (folder.path / "trials").mkdir(parents=True, exist_ok=True)
        folder.store()
        found = {name: PlannedTrial(f"title of {name}", 100, 4, dict(trained).get(name, 0)) for name in trials}
        keep(folder.path, SweepPlan("e", began, at_most, fresh, found))
        os.utime(folder.path / "plan.json", (began, began))
        monkeypatch.setattr(time, "time", lambda: began + seconds)
        return folder.path

    return write


def begin(folder, trial, epochs=0, at=BEGAN + 1):
    """A trial that began at a time and has trained some epochs."""
    place = folder.path / "trials" / trial
    place.mkdir(parents=True, exist_ok=True)
    write_json(place / "trial.json", {})
    os.utime(place / "trial.json", (at, at))
    if epochs:
        write_json(place / "epochs.json", [{"epoch": number} for number in range(1, epochs + 1)])
    return trial


def test_a_sweep_that_runs(folder, planned):
    done = folder.put("a", 0)
    failed = folder.put("a", 1, status="failed")
    path = planned(done, failed, "running", "left")
    begin(folder, "running", epochs=3)
    with FileLock(path / LOCK):
        found = status(path)
    assert (found.is_running, found.total, found.done, found.left) == (True, 4, 1, 1)
    assert found.running == [RunningTrial("running", "title of running", 3, 4)]
    assert [(one.trial, one.status, one.reason) for one in found.failed] == [(failed, "failed", "why")]
    assert found.seconds_left == pytest.approx(60 * 5 / 11)  # 4 + 4 + 3 epochs in a minute, 1 + 4 are left


def test_a_trial_that_halving_stopped_has_not_failed_and_may_train_on(folder, planned):
    first, second = (folder.put("a", seed, status="stopped") for seed in (0, 1))
    path = planned(first, second)
    written = (path / "trials" / second / "result.json").stat().st_mtime
    begin(folder, second, epochs=1, at=written + 60)
    with FileLock(path / LOCK):
        found = status(path)
    assert (found.stopped, found.failed, found.left) == (1, [], 0)
    assert [one.trial for one in found.running] == [second]


def test_a_sweep_that_was_killed_runs_nothing(folder, planned):
    path = planned(folder.put("a", 0), "interrupted", "left")
    begin(folder, "interrupted", epochs=3)
    (path / LOCK).touch()
    found = status(path)
    assert (found.is_running, found.done, found.running, found.left) == (False, 1, [], 2)


def test_a_trial_that_an_earlier_sweep_left_unfinished_does_not_run(folder, planned):
    path = planned("interrupted", "running", trained={"running": 2})
    begin(folder, "interrupted", epochs=3, at=BEGAN - 100)
    begin(folder, "running", epochs=3)
    with FileLock(path / LOCK):
        found = status(path)
    assert [one.trial for one in found.running] == ["running"]
    assert found.left == 1
    assert found.seconds_left == pytest.approx(60 * 5)  # one epoch in a minute: 2 of the 3 are those of a checkpoint


def test_epochs_that_an_earlier_sweep_has_trained_do_not_count_as_fast_ones(folder, planned):
    done = folder.put("a", 0)
    path = planned(done, "running", trained={done: 4})
    begin(folder, "running")
    with FileLock(path / LOCK):
        assert status(path).seconds_left is None
    begin(folder, "running", epochs=1)
    with FileLock(path / LOCK):
        assert status(path).seconds_left == pytest.approx(180)


def test_rows_of_an_interrupted_training_are_no_progress(folder, planned):
    path = planned("again", trained={"again": 1})
    begin(folder, "again", epochs=3)
    os.utime(path / "trials" / "again" / "epochs.json", (BEGAN - 5, BEGAN - 5))
    with FileLock(path / LOCK):
        assert [one.epoch for one in status(path).running] == [1]


def test_a_result_whose_row_is_not_written_yet_counts(folder, planned):
    path = planned("new")
    folder.put("a", 0, trial="new")
    assert status(path).done == 1
    (path / "trials" / "new" / "result.json").write_text('{"status": ')
    assert status(path).left == 1


def test_a_trial_that_failed_before_is_left_while_the_sweep_that_repeats_it_runs(folder, planned):
    failed = folder.put("a", 0, status="failed")
    path = planned(failed, began=BEGAN + 1000)
    with FileLock(path / LOCK):
        assert (status(path).left, status(path).failed) == (1, [])
        begin(folder, failed, at=time.time() + 1)
        assert [one.trial for one in status(path).running] == [failed]
    assert len(status(path).failed) == 1


def test_a_fresh_sweep_counts_only_what_it_has_run_itself(folder, planned):
    older, again, newer = folder.put("a", 0), folder.put("a", 1), folder.put("a", 2)
    path = planned(older, again, newer, fresh=True, began=BEGAN + 3)
    begin(folder, f"{again}.fresh", epochs=1, at=BEGAN + 4)
    with FileLock(path / LOCK):
        found = status(path)
    assert (found.done, found.left) == (1, 1)
    assert [(one.trial, one.epoch) for one in found.running] == [(again, 1)]


def test_revisions_and_stale_trials_are_told_apart(folder, planned):
    trials = [folder.put("a", seed, revision=name) for seed, name in enumerate(["0011", "0011", "22+"])]
    path = planned(*trials)
    assert status(path).revisions == {"0011": 2, "22+": 1}
    folder.store(current=trials[:2])
    keep(path, SweepPlan("e", BEGAN, True, False, {name: PlannedTrial("t", 1, 1) for name in trials[:2]}))
    found = rl.status(path)
    assert (found.stale, found.revisions, found.at_most, found.total) == (1, {"0011": 2}, True, 2)


def test_the_time_left_of_a_sweep_that_was_stopped_follows_from_its_latest_trial(folder, planned):
    folder.put("a", 0, wall_s=20.0)
    done = folder.put("a", 1, wall_s=28.0)  # from second 2 to second 30
    path = planned("000000000001", done, "left", seconds=1e6)
    assert status(path).seconds_left == pytest.approx(15)
    table = path / "trials.csv"
    table.write_text(table.read_text().replace("2026-01-01T00:00:02Z", "yesterday"))
    assert status(path).seconds_left is None


def test_a_half_written_row_is_left_out(folder, planned):
    done, cut = folder.put("a", 0), folder.put("a", 1)
    path = planned(done, cut)
    (path / "trials" / cut / "result.json").unlink()
    table = path / "trials.csv"
    table.write_text(table.read_text()[:-10])
    assert (status(path).done, status(path).left) == (1, 1)


def test_a_folder_without_a_plan_is_refused(tmp_path):
    with pytest.raises(LabError, match="holds no plan"):
        rl.status(tmp_path)


def test_neither_pandas_nor_a_framework_is_imported(folder, planned):
    path = planned(folder.put("a", 0))
    assert (
        heavy_imports(f"from resnet_lab.results.status import status; status(__import__('pathlib').Path('{path}'))")
        == []
    )


@pytest.mark.parametrize("content", [b"\xff\x00\n,\x00,\n", b"trial\n000000000001\n", b"\n\n", b""])
def test_a_damaged_table_counts_nothing(folder, planned, content):
    path = planned("000000000001")
    (path / "trials.csv").write_bytes(content)
    if sys.version_info >= (3, 11) or b"\x00" not in content:
        assert status(path).left == 1


def test_a_file_that_is_no_table_is_named(folder, planned):
    path = planned("000000000001")
    (path / "trials.csv").write_bytes(b"trial,status\n1," + b"x" * 200_000 + b"\n")
    with pytest.raises(LabError, match=r"trials\.csv: is no results table: field larger"):
        status(path)
