"""The torch engine's model: a module that PyTorch's own tools accept, and its precision."""

import pickle

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError, engines
from resnet_lab.network.initial import initial
from tests.conftest import engine_or_skip


@pytest.fixture
def torch():
    engine_or_skip("torch")
    import torch

    return torch


def test_the_module_is_at_home_in_pytorch(torch, tmp_path):
    net = rl.build("my_se_resnet18", engine="torch", input=(3, 32, 32), classes=7, seed=1)
    assert isinstance(net, torch.nn.Module)
    assert net.stage2.block1.conv1.weight.shape == (128, 64, 3, 3)
    assert isinstance(net.stage1.block1.norm1, torch.nn.BatchNorm2d)
    assert "stage2_block1_conv1 = self.stage2.block1.conv1(" in net.code
    images = torch.randn(2, 3, 32, 32)
    net.eval()
    logits = net(images)
    assert torch.equal(pickle.loads(pickle.dumps(net))(images), logits)
    torch.save(net.state_dict(), tmp_path / "net.pth")
    again = rl.build("my_se_resnet18", engine="torch", input=(3, 32, 32), classes=7, seed=2).eval()
    again.load_state_dict(torch.load(tmp_path / "net.pth", weights_only=True))
    assert torch.equal(again(images), logits)
    exported = torch.export.export(net, (images,)).module()
    assert torch.allclose(exported(images), logits, atol=1e-5)
    assert torch.allclose(torch.jit.script(net)(images), logits, atol=1e-5)


def test_bfloat16_is_close_and_float64_is_refused(torch):
    graph = rl.graph("cifar_resnet20", classes=10)
    engine = engines.get("torch")
    images = np.random.default_rng(0).standard_normal((4, 3, 32, 32)).astype(np.float32)
    logits = []
    for precision in ("float32", "bfloat16"):
        model = engine.build(graph, "cpu", precision)
        model.load(initial(graph, 0))
        logits.append(model.predict(images))
    difference = np.abs(logits[0] - logits[1]).max() / np.abs(logits[0]).max()
    assert 0 < difference < 0.05
    with pytest.raises(LabError, match="'torch' computes in float32, tf32, bfloat16 or float16, not in float64"):
        engine.build(graph, "cpu", "float64")
