"""Exports: each format is read back by whoever it is for, and says what it differs by."""

from dataclasses import replace

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.weights import files, safetensors
from resnet_lab.weights.export import FORMATS, export
from resnet_lab.weights.pretrained import Pretrained, load
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
