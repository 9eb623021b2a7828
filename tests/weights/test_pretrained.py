"""A network with the weights of a file: what the file states is followed, and what does not fit is refused."""

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.weights import safetensors
from resnet_lab.weights.export import export
from resnet_lab.weights.pretrained import load, metadata
from tests.conftest import engine_or_skip, random_weights
from tests.weights.export.test_checked import net


def test_weights_of_another_network_of_the_same_shapes(tmp_path, monkeypatch):
    trained = net("resnet50")
    safetensors.save(tmp_path / "net.safetensors", trained.arrays, metadata(trained))
    assert load("resnet50", tmp_path / "net.safetensors").graph.input == (3, 32, 32)
    with pytest.raises(LabError, match="holds the weights of another network .'resnet50', architecture"):
        load("resnet50_v1b", tmp_path / "net.safetensors")


def test_weights_of_v1b_fit_the_paper_but_are_doubted(tmp_path):
    engine_or_skip("torch")
    trained = net("resnet50_v1b")
    (path,) = export(trained, "torch", tmp_path / "net", engine="torch").paths
    assert not load("resnet50_v1b", path).doubt
    assert "the stride on the 3x3" in load("resnet50", path).doubt


def test_a_variant_has_no_weights_of_its_own():
    with pytest.raises(LabError, match="'cifar_resnet20' is a variant, so its weights are needed: --weights FILE"):
        load("cifar_resnet20")


def test_a_relative_name_is_looked_for_among_the_data(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_LAB_DATA", str(tmp_path))
    graph = rl.graph("cifar_resnet20")
    arrays = random_weights(graph)
    safetensors.save(tmp_path / "net.safetensors", arrays)
    loaded = load("cifar_resnet20", "net.safetensors")
    assert all(np.array_equal(loaded.arrays[name], arrays[name]) for name in arrays)


def test_the_number_of_classes_is_that_of_the_last_layer(tmp_path):
    graph = rl.graph("cifar_resnet20", classes=7)
    safetensors.save(tmp_path / "net.safetensors", random_weights(graph))
    assert load("cifar_resnet20", tmp_path / "net.safetensors").graph.output == (7,)


def test_metadata_that_is_none(tmp_path):
    graph = rl.graph("cifar_resnet20")
    safetensors.save(tmp_path / "net.safetensors", random_weights(graph), {"input": "[3, "})
    with pytest.raises(LabError, match="net.safetensors: has metadata that cannot be read"):
        load("cifar_resnet20", tmp_path / "net.safetensors")
