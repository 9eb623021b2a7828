"""Checkpoints: read back, or removed with a word where they are damaged."""

import numpy as np
import pytest

from resnet_lab.base.files import write_json
from resnet_lab.training.checkpoint import read
from resnet_lab.weights import safetensors


@pytest.fixture
def paths(tmp_path):
    path, epochs = tmp_path / "checkpoint.safetensors", tmp_path / "epochs.json"
    safetensors.save(path, {"x": np.ones(100, np.float32)}, {"epochs": "2", "seconds": "1.5"})
    write_json(epochs, [{"epoch": 1}, {"epoch": 2}, {"epoch": 3}])
    return path, epochs


def test_a_whole_checkpoint_is_read_with_the_rows_that_belong_to_it(paths):
    kept, problem = read(*paths)
    assert problem == ""
    assert kept.rows == [{"epoch": 1}, {"epoch": 2}]
    assert kept.seconds == 1.5
    assert kept.arrays["x"].sum() == 100


def test_without_a_checkpoint_there_is_no_problem(tmp_path):
    assert read(tmp_path / "checkpoint.safetensors", tmp_path / "epochs.json") == (None, "")


@pytest.mark.parametrize("damage", ["truncated", "empty", "epochs truncated", "epochs missing", "epochs too few"])
def test_a_damaged_checkpoint_is_removed_and_named(paths, damage):
    path, epochs = paths
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-7])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "epochs truncated":
        epochs.write_text('[{"epoch": 1')
    elif damage == "epochs missing":
        epochs.unlink()
    else:
        write_json(epochs, [{"epoch": 1}])
    kept, problem = read(path, epochs)
    assert kept is None
    assert problem.startswith(f"the checkpoint {path} is damaged (")
    assert problem.endswith("; the trial begins anew")
    assert not path.exists()
