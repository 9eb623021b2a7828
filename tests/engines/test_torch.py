"""The torch engine: its devices, and that it changes no setting of the program."""

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


def test_the_engine_leaves_the_settings_of_the_program_alone(torch, monkeypatch):
    """Each model sets its precision around its own computations; tests/engines/test_torch_precision.py."""
    for allowed in (True, False):
        monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", allowed)
        model = engines.get("torch").build(rl.graph("cifar_resnet20", classes=10), "cpu")
        model.predict(np.zeros((1, 3, 32, 32), np.float32))
        assert torch.backends.cudnn.allow_tf32 is allowed
