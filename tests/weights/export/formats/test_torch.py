"""Export to a state dict: torchvision's names and shapes, and its own classes load it."""

from pathlib import Path

import pytest

from resnet_lab import LabError, engines
from resnet_lab.weights.export import FORMATS, export
from resnet_lab.weights.export.formats.torch import TORCHVISION
from tests.conftest import engine_or_skip
from tests.weights.export.test_checked import net


def torchvisions():
    """By net, the names and shapes of torchvision's arrays, as they were printed by it."""
    nets = {}
    for line in (Path(__file__).parents[2] / "torchvision.txt").read_text().splitlines()[1:]:
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


def test_without_pytorch_the_message_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(type(engines.get("torch")), "problem", lambda self: "PyTorch is not installed")
    with pytest.raises(LabError, match="a PyTorch file is written by PyTorch: PyTorch is not installed"):
        FORMATS.get("torch").function(net("cifar_resnet20"), tmp_path / "net")


@pytest.mark.parametrize(("name", "file"), [("net", "net.pth"), ("net.pt", "net.pt"), ("v1.2", "v1.2.pth")])
def test_the_suffix_is_added_where_it_is_missing(tmp_path, name, file):
    engine_or_skip("torch")
    assert export(net("cifar_resnet20"), "torch", tmp_path / name, engine="torch").paths == (tmp_path / file,)
