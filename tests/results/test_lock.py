"""Whether a sweep runs in a results folder."""

from filelock import FileLock

from resnet_lab.results.lock import LOCK, is_held


def test_a_folder_in_which_nothing_ran(tmp_path):
    assert not is_held(tmp_path)
    assert not list(tmp_path.iterdir())
    assert not is_held(tmp_path / "nowhere")


def test_the_lock_is_held_while_a_sweep_runs(tmp_path):
    with FileLock(tmp_path / LOCK, timeout=0):
        assert is_held(tmp_path)
    assert not is_held(tmp_path)


def test_asking_leaves_the_lock_free(tmp_path):
    (tmp_path / LOCK).touch(mode=0o444)  # a folder of another person
    assert not is_held(tmp_path)
    with FileLock(tmp_path / LOCK, timeout=0):
        assert is_held(tmp_path)
