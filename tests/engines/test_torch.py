"""The torch engine: its devices, and the precision of PyTorch that it sets."""

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


def test_float32_on_a_gpu_is_ieee_float32(torch):
    """PyTorch lets cuDNN compute float32 convolutions in TF32 unless the engine forbids it."""
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cuda.matmul.allow_tf32 = True
    engines.get("torch").build(rl.graph("cifar_resnet20", classes=10), "cpu")
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32
    assert torch.get_float32_matmul_precision() == "highest"
