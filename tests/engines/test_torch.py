"""What is PyTorch's own: a module at home there, and batches made on the device."""

import pickle

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import data, engines
from resnet_lab.blocks.opaque import OP
from tests.conftest import engine_or_skip


@pytest.fixture
def torch():
    engine_or_skip("torch")
    import torch

    return torch


def test_the_list_of_ops_is_the_lowerings(torch):
    from resnet_lab.engines.torch.lowering import LOWERINGS

    assert frozenset(LOWERINGS) - {OP} == engines.get("torch").ops  # a module of PyTorch's own is no op of ops.py


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


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("pad", "flip"), [(0, False), (2, False), (0, True), (3, True)])
def test_batches_made_on_the_device_are_the_hosts_bit_for_bit(torch, channels, pad, flip):
    from resnet_lab.engines.torch.feed import resident_batches

    dataset = data.load("digits", channels=channels)
    feed = data.Feed(dataset.train, 100, 3, dataset.mean, dataset.std, data.AugmentSpec(pad_crop=pad, flip=flip))
    for number in (0, 1):
        made = list(resident_batches(feed.epoch(number), torch.device("cpu")))
        expected = list(feed.epoch(number))
        assert len(made) == len(expected) == 14
        for (images, labels), (host_images, host_labels) in zip(made, expected, strict=True):
            assert np.array_equal(images.numpy(), host_images)
            assert np.array_equal(labels.numpy(), host_labels)


def test_bfloat16_is_close_and_float64_is_refused(torch):
    from resnet_lab import LabError
    from resnet_lab.network.initial import initial

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
    with pytest.raises(LabError, match="the engine 'torch' computes in float32 or bfloat16, not in float64"):
        engine.build(graph, "cpu", "float64")


def test_a_gpu_that_is_not_there_is_refused(torch):
    from resnet_lab import LabError

    engine = engines.get("torch")
    if len(engine.devices()) > 1:
        pytest.skip("there is a GPU")
    with pytest.raises(LabError, match="device 'gpu' is not there: the installed PyTorch"):
        engine.device("gpu")
    assert engine.device("auto")[0] == "cpu"


def test_float32_on_a_gpu_is_ieee_float32(torch):
    """PyTorch lets cuDNN compute float32 convolutions in TF32 unless it is told not to."""
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cuda.matmul.allow_tf32 = True
    engines.get("torch").build(rl.graph("cifar_resnet20", classes=10), "cpu")
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32
    assert torch.get_float32_matmul_precision() == "highest"


def test_a_dataset_is_kept_on_each_device_that_asks_for_it(torch):
    from resnet_lab.engines.torch.feed import resident_batches

    dataset = data.load("digits", channels=3)
    feed = data.Feed(dataset.train, 100, 3, dataset.mean, dataset.std)
    for name in ("cpu", "meta", "cpu"):
        images, labels = next(resident_batches(feed.epoch(0), torch.device(name)))
        assert (images.device.type, labels.device.type) == (name, name)
