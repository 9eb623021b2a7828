"""The formats: who reads each back, and whose names and shapes it has."""

from pathlib import Path

import pytest

from resnet_lab.cli.export import command
from resnet_lab.weights.export import FORMATS, export
from resnet_lab.weights.export.formats.torch import TORCHVISION
from tests.conftest import engine_or_skip
from tests.weights.export.test_checked import net


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


def test_a_variant_of_ones_own_by_gluons_name_is_not_gluons(tmp_path, workspace):
    engine_or_skip("mxnet")
    pytest.importorskip("onnx")
    text = "extends: cifar_resnet20\nstages: {1: {channels: 24}}\n"
    (workspace / "variants" / "cifar_resnet20_v1.yaml").write_text(text)
    assert export(net("cifar_resnet20_v1"), "gluon", tmp_path / "net").reader.startswith("a GraphBlock")


@pytest.mark.parametrize("to", FORMATS.registered)
def test_a_format_has_a_line_of_help(to):
    summary = FORMATS.get(to).summary
    assert summary.endswith(".")
    assert f"- {to}: {summary}\n" in command.__doc__


def test_every_format_is_a_module_and_is_imported():
    folder = Path(__file__).parents[3] / "resnet_lab" / "weights" / "export" / "formats"
    modules = {path.stem.replace("_", "-") for path in folder.glob("*.py")} - {"--init--"}
    assert modules == set(FORMATS.registered)


def torchvisions():
    """By net, the names and shapes of torchvision's arrays, as they were printed by it."""
    nets = {}
    for line in (Path(__file__).parents[1] / "torchvision.txt").read_text().splitlines()[1:]:
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
