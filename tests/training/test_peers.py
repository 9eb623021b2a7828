"""Networks of other libraries: their names, and the graphs that engines train.

torchvision and timm are not installed where the tests run: a module with one small network takes the place of each.
"""

import sys
from types import ModuleType

import pytest

import resnet_lab as rl
from resnet_lab import LabError, engines
from resnet_lab.network.initial import initial
from resnet_lab.training import peers
from resnet_lab.training.peers import their_name
from resnet_lab.training.speed import Setting, ready
from resnet_lab.training.trial import Place
from tests.conftest import engine_or_skip, gluoncv

GRAPH = rl.graph("resnet18", (3, 32, 32), 7)


@pytest.fixture
def stand_in(monkeypatch):
    """Modules called torchvision and timm, which make one small network under every name."""
    engine_or_skip("torch")
    from torch import nn

    def make(name, num_classes, pretrained=False):
        assert name == "resnet18"
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, num_classes))

    torchvision, timm = ModuleType("torchvision"), ModuleType("timm")
    torchvision.models = ModuleType("torchvision.models")
    torchvision.models.resnet18 = lambda num_classes: make("resnet18", num_classes)
    timm.create_model = make
    for module in (torchvision, timm):
        module.__spec__ = object()
        monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.parametrize("peer", ["torchvision", "timm"])
def test_a_network_of_pytorch_trains_in_our_loop(stand_in, peer):
    theirs, warning = peers.graph(peer, "resnet18", GRAPH)
    assert (theirs.input, theirs.output, theirs.params) == ((3, 32, 32), (7,), 4 * 27 + 4 + 4 * 7 + 7)
    assert f"the network of {peer} has 147 parameters, and ours has 11,180,103" in warning
    assert theirs.macs is None
    assert ready(theirs, Setting("torch", Place("cpu", "off", 1), "float32", "train", 2))[1]() > 0
    peers.graph(peer, "resnet18", GRAPH)  # a second time, in the same process


def test_a_network_of_gluoncv_is_ours():
    gluoncv()
    ours = rl.graph("cifar_resnet20_v1", (3, 16, 16))
    theirs, warning = peers.graph("gluoncv", "cifar_resnet20_v1", ours)
    assert warning == ""
    assert (theirs.params, theirs.macs) == (ours.params, ours.macs)
    model = engines.get("mxnet").build(theirs, "cpu")
    model.load(initial(theirs, 0))
    with pytest.raises(LabError, match="gluoncv has no network 'cifar_resnet20'"):
        peers.graph("gluoncv", "cifar_resnet20", ours)


def test_names_that_a_library_does_not_have(stand_in):
    assert their_name("torchvision", "resnet50_v1b") == "resnet50"
    assert their_name("timm", "resnet50_v1d") == "resnet50d"
    with pytest.raises(LabError, match="unknown library for --peer 'keras' .*gluoncv, timm, torchvision"):
        their_name("keras", "resnet18")
    with pytest.raises(LabError, match="unknown network of torchvision, by our names, 'resnet50'.*'resnet50_v1b'"):
        their_name("torchvision", "resnet50")


def test_a_library_that_is_missing_is_named_with_its_command(monkeypatch):
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LabError, match="timm is not installed: pip install timm"):
        their_name("timm", "resnet18")


@pytest.mark.parametrize("peer", peers._NAMES)
def test_every_name_of_ours_is_a_variant(peer):
    for name in peers._NAMES[peer]:
        assert rl.graph(name).params
