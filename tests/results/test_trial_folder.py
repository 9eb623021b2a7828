"""A trial's folder: damaged files are set aside, and a replacement that was cut off is finished or undone."""

import pytest

from resnet_lab.base.files import write_json
from resnet_lab.results import trial_folder
from resnet_lab.results.trial_folder import (
    begin_fresh,
    has_result,
    is_cut_off,
    read_or_set_aside,
    recover,
    replace_by_fresh,
)


def make(folder, word, status="ok"):
    folder.mkdir(parents=True)
    (folder / "weights").write_text(word)
    if status:
        write_json(folder / "result.json", {"status": status})


def tree(trials):
    return {path.name: (path / "weights").read_text() for path in trials.iterdir()}


@pytest.mark.parametrize(
    ("status", "done"), [("ok", True), ("diverged", True), ("failed", False), ("out_of_memory", False), (None, False)]
)
def test_a_result_that_a_new_run_would_only_repeat(tmp_path, status, done):
    make(tmp_path / "1", "x", status)
    assert has_result(tmp_path / "1") is done


@pytest.mark.parametrize("content", [b'{"status": ', b"\xff\xfe", b"", b"[1]"])
def test_a_damaged_file_is_named_and_renamed(tmp_path, content):
    path = tmp_path / "result.json"
    path.write_bytes(content)
    notes = []
    assert not has_result(tmp_path)
    assert read_or_set_aside(path, dict, "the trial runs again", notes) is None
    (note,) = notes
    assert note.startswith(f"{path} is damaged (")
    assert note.endswith("was renamed to result.json.damaged; the trial runs again")
    assert [file.name for file in tmp_path.iterdir()] == ["result.json.damaged"]
    assert (tmp_path / "result.json.damaged").read_bytes() == content


def test_a_missing_file_is_not_damaged(tmp_path):
    notes = []
    assert read_or_set_aside(tmp_path / "x.json", dict, "", notes) is None
    assert notes == []


@pytest.mark.parametrize(("content", "cut"), [('{"a": 1}\n', False), ("[1]\n", False), ('{"a": 1', True), ("", True)])
def test_a_file_that_was_cut_off_lacks_its_end(tmp_path, content, cut):
    (tmp_path / "trial.json").write_text(content)
    assert is_cut_off(tmp_path / "trial.json") is cut
    assert not is_cut_off(tmp_path / "none.json")


def test_a_new_training_takes_the_place_of_the_old_one(tmp_path):
    make(tmp_path / "1", "old")
    fresh = begin_fresh(tmp_path / "1")
    (fresh / "weights").write_text("new")
    replace_by_fresh(tmp_path / "1")
    assert tree(tmp_path) == {"1": "new"}


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_a_replacement_cut_off_at_any_step_leaves_one_whole_trial(tmp_path, monkeypatch, steps):
    """The process dies after `steps` of the changes that make the replacement."""
    make(tmp_path / "1", "old")
    make(tmp_path / "1.fresh", "new")
    done = []

    class Killed(Exception):
        pass

    def counted(change):
        def call(*words, **options):
            if len(done) == steps:
                raise Killed
            done.append(change)
            return change(*words, **options)

        return call

    from pathlib import Path

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", counted(Path.replace))
        patched.setattr(trial_folder.shutil, "rmtree", counted(trial_folder.shutil.rmtree))
        with pytest.raises(Killed):
            replace_by_fresh(tmp_path / "1")
    recover(tmp_path)
    assert tree(tmp_path) == {"1": "new"}


def test_a_training_anew_that_was_killed_leaves_the_old_result(tmp_path):
    make(tmp_path / "1", "old")
    make(tmp_path / "1.fresh", "half", status=None)
    make(tmp_path / "2", "old")
    make(tmp_path / "2.fresh", "failed", status="failed")
    recover(tmp_path)
    assert tree(tmp_path) == {"1": "old", "2": "old"}


def test_without_a_new_result_the_old_folder_comes_back(tmp_path):
    make(tmp_path / "1.old", "old")
    make(tmp_path / "1.fresh", "half", status=None)
    recover(tmp_path)
    assert tree(tmp_path) == {"1": "old"}
