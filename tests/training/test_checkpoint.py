"""Checkpoints: saved and read back unchanged, or removed with a message where they are damaged."""

import numpy as np
import pytest

from resnet_lab.base.files import write_json
from resnet_lab.training import checkpoint


class FakeModel:
    """A model that is its two mappings of arrays."""

    def __init__(self, weights, state):
        self.arrays, self.state = weights, state

    def weights(self):
        return self.arrays

    def optimizer_state(self):
        return self.state

    def load(self, weights):
        self.arrays = dict(weights)

    def load_optimizer_state(self, state):
        self.state = dict(state)


WEIGHTS = {"conv1.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "norm1.scale": np.ones(2, np.float32)}
STATE = {"velocity/conv1.weight": np.full((2, 3), 0.5, np.float32), "step": np.array([7], np.int64)}


@pytest.fixture
def folder(tmp_path):
    """The folder of a trial with a checkpoint of two epochs, and one epoch more that the checkpoint does not cover."""
    checkpoint.save(FakeModel(WEIGHTS, STATE), tmp_path, 2, 1.5)
    write_json(tmp_path / checkpoint.EPOCHS, [{"epoch": 1}, {"epoch": 2}, {"epoch": 3}])
    return tmp_path


def test_a_checkpoint_is_read_with_the_rows_that_belong_to_it(folder):
    saved, problem = checkpoint.read(folder)
    assert problem == ""
    assert saved.rows == [{"epoch": 1}, {"epoch": 2}]
    assert saved.seconds == 1.5


def test_a_restored_model_has_the_weights_and_the_optimizer_state_bit_for_bit(folder):
    model = FakeModel({}, {})
    checkpoint.read(folder)[0].restore(model)
    for restored, saved in ((model.arrays, WEIGHTS), (model.state, STATE)):
        assert restored.keys() == saved.keys()
        for name, array in saved.items():
            assert restored[name].dtype == array.dtype
            assert np.array_equal(restored[name], array)


def test_without_a_checkpoint_there_is_no_problem(tmp_path):
    assert checkpoint.read(tmp_path) == (None, "")


@pytest.mark.parametrize("damage", ["truncated", "empty", "epochs truncated", "epochs missing", "epochs too few"])
def test_a_damaged_checkpoint_is_removed_and_named(folder, damage):
    path, epochs = folder / checkpoint.CHECKPOINT, folder / checkpoint.EPOCHS
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
    saved, problem = checkpoint.read(folder)
    assert saved is None
    assert problem.startswith(f"the checkpoint {path} is damaged (")
    assert problem.endswith("; the trial begins anew")
    assert not path.exists()


def test_a_process_that_does_not_lead_leaves_a_damaged_checkpoint(folder):
    path = folder / checkpoint.CHECKPOINT
    path.write_bytes(b"")
    assert checkpoint.read(folder, remove=False)[0] is None
    assert path.exists()


def written_after(epochs, cost):
    """The epochs after which checkpoints are written; `epochs` are seconds, `cost` is that of a checkpoint."""
    interval, found = checkpoint.Interval(), []
    for number, seconds in enumerate(epochs, 1):
        if interval.is_due(seconds, last=number == len(epochs)):
            interval.written(cost)
            found.append(number)
    return found


@pytest.mark.parametrize(
    ("epochs", "cost", "written"),
    [
        ([100.0] * 4, 5.0, [1, 2, 3, 4]),  # 5 % of the time is not too much
        ([100.0] * 7, 5.1, [1, 3, 5, 7]),
        ([10.0] * 12, 2.0, [1, 5, 9]),
        ([100.0, 10.0, 10.0, 100.0, 100.0], 5.5, [1, 4]),
        ([100.0], 0.0, []),  # a training of one epoch ends before a checkpoint would help
        ([], 0.0, []),
    ],
)
def test_checkpoints_cost_at_most_a_twentieth_of_the_time(epochs, cost, written):
    assert written_after(epochs, cost) == written
