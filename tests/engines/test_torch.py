"""The torch engine: its devices, and that it changes no setting of the program."""

import importlib.util
import sys
import weakref
from types import ModuleType

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError, engines
from tests.conftest import engine_or_skip


@pytest.fixture
def torch():
    engine_or_skip("torch")
    import torch

    return torch


def test_a_gpu_that_is_not_there_is_refused(torch):
    engine = engines.get("torch")
    if len(engine.devices()) > 1:
        pytest.skip("there is a GPU")
    with pytest.raises(LabError, match="the device 'gpu' cannot be used: the installed PyTorch"):
        engine.device("gpu")
    assert engine.device("auto")[0] == "cpu"


@pytest.mark.parametrize(("version", "is_refused"), [("1.13.1", True), ("2.1.2+cpu", True), ("2.2.0", False)])
def test_a_pytorch_that_is_too_old_is_refused(monkeypatch, version, is_refused):
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr("resnet_lab.base.hardware.version", lambda package: version)
    problem = engines.get("torch").problem()
    assert (problem or "").startswith(f"PyTorch {version} is too old, 2.2 or later is needed") is is_refused


def test_where_pytorch_is_missing_the_message_says_how_to_install_it(monkeypatch):
    """Which build pip takes from its own index depends on the platform and on the Python."""
    monkeypatch.setitem(sys.modules, "torch", None)
    problem = engines.get("torch").problem()
    assert problem is not None
    assert "pip install 'resnet-lab[torch]' (the page 'Get Started' of pytorch.org" in problem


def test_the_engine_leaves_the_settings_of_the_program_alone(torch, monkeypatch):
    """Each model sets its precision around its own computations; tests/engines/test_torch_precision.py."""
    for allowed in (True, False):
        monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", allowed)
        model = engines.get("torch").build(rl.graph("cifar_resnet20", classes=10), "cpu")
        model.predict(np.zeros((1, 3, 32, 32), np.float32))
        assert torch.backends.cudnn.allow_tf32 is allowed


def test_what_torch_compile_keeps_is_gone_before_memory_is_given_back_and_the_peak_is_forgotten(torch, monkeypatch):
    """It holds the weights of models that are gone, which would count in the peak of the next model."""
    import torch._dynamo

    kept = [torch.zeros(1)]
    weight, alive = weakref.ref(kept[0]), []
    monkeypatch.setattr(torch._dynamo, "reset", kept.clear)
    for name, value in {
        "is_initialized": lambda: True,
        "device_count": lambda: 1,
        "empty_cache": lambda: alive.append(weight() is not None),
        "reset_peak_memory_stats": lambda index: alive.append(weight() is not None),
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    engines.get("torch").clean_up()
    assert alive == [False, False]
