"""Export to an .npz file that NumPy alone reads."""

import numpy as np
import pytest

from resnet_lab.weights.export import export
from tests.conftest import any_engine
from tests.weights.export.test_checked import net


@pytest.mark.parametrize("name", ["net", "net.npz", "v1.2"])
def test_numpy_reads_the_arrays_by_our_names_without_pickles(tmp_path, name):
    trained = net("cifar_resnet20")
    done = export(trained, "npz", tmp_path / name, engine=any_engine())
    assert done.paths == (tmp_path / (name.removesuffix(".npz") + ".npz"),)
    with np.load(done.paths[0], allow_pickle=False) as stored:
        assert set(stored.files) == trained.arrays.keys()
        assert all(np.array_equal(stored[key], array) for key, array in trained.arrays.items())
