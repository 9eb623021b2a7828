"""Exports: each format is read back by whoever it is for, and says what it differs by."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.weights import files, safetensors
from resnet_lab.weights.export import FORMATS, export
from resnet_lab.weights.export.formats.torch import TORCHVISION
from resnet_lab.weights.pretrained import Pretrained, load, metadata
from tests.conftest import any_engine, engine_or_skip, random_weights


def net(name, size=32, classes=None):
    graph = rl.graph(name, input=(3, size, size), classes=classes)
    return Pretrained(name, graph, random_weights(graph), "", mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))


@pytest.mark.parametrize("to", FORMATS.entries)
@pytest.mark.parametrize("name", ["resnet18_v1b", "cifar_resnet20_v2", "cifar_resnet20", "se_resnet18_v1"])
def test_every_format_is_checked_and_reads_back(tmp_path, name, to):
    engine_or_skip("mxnet")
    engine_or_skip("torch")
    trained = net(name, classes=7)
    done = export(trained, to, tmp_path / "net")
    assert done.difference < 1e-4
    assert all(path.is_file() for path in done.paths)
    assert not list(tmp_path.glob("*.partial"))
    if to != "gluon-symbol" and done.paths[0].suffix in files.SUFFIXES:
        back = load(name, done.paths[0], input=(3, 32, 32))
        assert back.graph == trained.graph
        assert all(np.array_equal(back.arrays[key], trained.arrays[key]) for key in trained.arrays)
    if to == "safetensors":
        assert (back.mean, back.std) == (trained.mean, trained.std)


@pytest.mark.parametrize(
    ("name", "to", "reader"),
    [
        ("resnet50_v1d", "gluon", "Gluon-CV's resnet50_v1d"),
        ("cifar_resnet20_v1", "gluon", "Gluon-CV's cifar_resnet20_v1"),
        ("cifar_resnet20", "gluon", "a GraphBlock of resnet_lab.build"),
        ("resnet18_v2", "torch", "the engine 'torch', by our names"),
        ("resnet50_v1d", "torch", "the engine 'torch', by torchvision's names"),
        ("cifar_resnet20", "onnx", "onnxruntime"),
    ],
)
def test_who_reads_it(tmp_path, name, to, reader):
    engine_or_skip("mxnet")
    engine_or_skip("torch")
    assert export(net(name), to, tmp_path / "net").reader == reader


def test_a_file_that_the_reader_takes_otherwise_is_taken_away(tmp_path, monkeypatch):
    engine = any_engine()
    trained = net("cifar_resnet20")
    other = dict(trained.arrays, **{"head.dense1.bias": np.full(10, 7, np.float32)})
    monkeypatch.setattr(
        safetensors, "save", lambda path, arrays, metadata, save=safetensors.save: save(path, other, metadata)
    )
    with pytest.raises(LabError, match="gives other logits"):
        export(trained, "safetensors", tmp_path / "net", engine=engine)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_no_agreement(tmp_path, monkeypatch, value):
    name = any_engine()
    trained = net("cifar_resnet20")
    broken = dict(trained.arrays, **{"head.dense1.bias": np.full(10, value, np.float32)})
    before = tmp_path / "net.safetensors"
    before.write_text("what was there")
    monkeypatch.setattr(
        safetensors, "save", lambda path, arrays, metadata, save=safetensors.save: save(path, broken, metadata)
    )
    with pytest.raises(LabError, match="gives other logits"):
        export(trained, "safetensors", tmp_path / "net", engine=name)
    with pytest.raises(LabError, match="logits are not finite"):
        export(replace(trained, arrays=broken), "safetensors", tmp_path / "net", engine=name)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["what was there"]


def test_a_variant_of_ones_own_by_gluons_name_is_not_gluons(tmp_path, workspace):
    engine_or_skip("mxnet")
    pytest.importorskip("onnx")
    text = "extends: cifar_resnet20\nstages: {1: {channels: 24}}\n"
    (workspace / "variants" / "cifar_resnet20_v1.yaml").write_text(text)
    assert export(net("cifar_resnet20_v1"), "gluon", tmp_path / "net").reader.startswith("a GraphBlock")


def test_what_cannot_be_exported(tmp_path):
    with pytest.raises(LabError, match="folded into convolutions for onnx only"):
        export(net("cifar_resnet20"), "torch", tmp_path / "net", folded=True)
    with pytest.raises(LabError, match="names no file in an existing folder"):
        export(net("cifar_resnet20"), "onnx", tmp_path / "nowhere" / "net")
    with pytest.raises(LabError, match="names no file in an existing folder"):
        export(net("cifar_resnet20"), "onnx", tmp_path)
    (tmp_path / "net.safetensors").mkdir()
    with pytest.raises(LabError, match="cannot be written"):
        export(net("cifar_resnet20"), "safetensors", tmp_path / "net", engine=any_engine())


def torchvisions():
    """By net, the names and shapes of torchvision's arrays, as they were printed by it."""
    nets = {}
    for line in (Path(__file__).parent / "torchvision.txt").read_text().splitlines()[1:]:
        if line.startswith("#"):
            arrays = nets[line[2:]] = {}
        else:
            name, _, shape = line.partition(" ")
            arrays[name] = tuple(int(extent) for extent in shape.split("x") if extent)
    return nets


@pytest.mark.parametrize("theirs", ["resnet18", "resnet50", "resnext50_32x4d"])
def test_a_state_dict_has_torchvisions_names_and_shapes_in_their_order(tmp_path, theirs):
    torch = pytest.importorskip("torch")
    engine_or_skip("torch")
    name = {other: own for own, other in TORCHVISION.items()}[theirs]
    (path,) = export(net(name), "torch", tmp_path / "net", engine="torch").paths
    state = torch.load(path, weights_only=True)
    assert {key: tuple(value.shape) for key, value in state.items()} == torchvisions()[theirs]
    assert list(state) == list(torchvisions()[theirs])


def test_torchvisions_own_class_loads_it(tmp_path):
    engine_or_skip("torch")
    pytest.importorskip("torchvision", exc_type=(ImportError, RuntimeError))
    for name in TORCHVISION:
        assert export(net(name), "torch", tmp_path / name, engine="torch").reader.startswith("torchvision's")


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
