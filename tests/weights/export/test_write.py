"""Files for other programs: by a layout's names, with the arrays that only the other program has."""

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab.weights import gluon_params
from resnet_lab.weights.export import write
from resnet_lab.weights.layouts import layout
from tests.conftest import random_weights


def test_gluons_files_have_its_names_and_its_constants(tmp_path):
    graph = rl.graph("cifar_resnet20_v2")
    arrays, names = random_weights(graph), layout("Gluon-CV", graph)
    write.gluon(tmp_path / "net.params", names, arrays)
    stored = gluon_params.read(tmp_path / "net.params")
    assert stored.keys() == {*names.arrays.values(), *names.constants}
    assert all(np.array_equal(stored[other], arrays[own]) for own, other in names.arrays.items())
    assert names.constants
    for name, (length, value) in names.constants.items():
        assert np.array_equal(stored[name], np.full(length, value, np.float32))


def test_torchs_files_have_a_counter_for_each_batch_norm(tmp_path):
    torch = pytest.importorskip("torch")
    graph = rl.graph("resnet18_v1b")
    write.torch(tmp_path / "net.pth", layout("torchvision", graph), random_weights(graph))
    state = torch.load(tmp_path / "net.pth", weights_only=True)
    norms = sum(node.op == "norm" for node in graph.nodes)
    assert sum(name.endswith("num_batches_tracked") for name in state) == norms
    assert state["conv1.weight"].shape == (64, 3, 7, 7)
