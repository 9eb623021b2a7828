"""The modules that the torch engine adds to PyTorch's, against PyTorch's own functions."""

import pytest

from tests.conftest import engine_or_skip


@pytest.fixture
def torch():
    engine_or_skip("torch")
    import torch

    torch.manual_seed(0)
    return torch


@pytest.fixture
def modules(torch):
    from resnet_lab.engines.torch import modules

    return modules


def test_layer_norm_normalises_the_channels_of_each_position(torch, modules):
    x = 3 + 2 * torch.randn(2, 8, 3, 5)
    y = modules.LayerNorm(8, eps=0.0)(x)
    assert y.shape == x.shape
    assert torch.allclose(y.mean(1), torch.zeros(2, 3, 5), atol=1e-5)
    assert torch.allclose(y.var(1, unbiased=False), torch.ones(2, 3, 5), atol=1e-4)


def test_a_frozen_batch_norm_trains_as_it_predicts_and_keeps_its_statistics(torch, modules):
    norm, plain = modules.FrozenBatchNorm(4), torch.nn.BatchNorm2d(4)
    for own in (norm, plain):
        own.running_mean.copy_(torch.arange(4.0))
        own.running_var.copy_(torch.arange(1.0, 5.0))
    x = torch.randn(6, 4, 3, 3)
    assert torch.allclose(norm.train()(x), plain.eval()(x))
    assert torch.equal(norm.running_mean, torch.arange(4.0))
    assert torch.equal(norm.running_var, torch.arange(1.0, 5.0))
    assert not torch.allclose(plain.train()(x), norm(x), atol=1e-2)


@pytest.mark.parametrize(("stride", "padding", "groups"), [(2, 0, 1), (3, 1, 1), (2, (0, 1), 2)])
def test_a_strided_pointwise_convolution_is_a_convolution(torch, modules, stride, padding, groups):
    """In the default layout of memory, where PyTorch's own kernel is right; results and gradients."""
    ours = modules.StridedPointwise(4, 6, 1, stride, padding, groups=groups)
    plain = torch.nn.Conv2d(4, 6, 1, stride, padding, groups=groups)
    plain.load_state_dict(ours.state_dict())
    x = torch.randn(3, 4, 7, 6)
    y, wanted = ours(x), plain(x)
    assert y.shape == wanted.shape
    assert torch.allclose(y, wanted, atol=1e-6)
    head = torch.randn_like(y)
    for net, output in ((ours, y), (plain, wanted)):
        (output * head).sum().backward()
        assert net.weight.grad is not None
    assert torch.allclose(ours.weight.grad, plain.weight.grad, atol=1e-4)
    assert torch.allclose(ours.bias.grad, plain.bias.grad, atol=1e-4)


@pytest.mark.parametrize("shape", [(3,), (3, 2, 2)])
def test_layer_scale_has_a_factor_for_each_channel(torch, modules, shape):
    module = modules.LayerScale(shape)
    x = torch.ones(2, *shape)
    assert not module(x).any()
    with torch.no_grad():
        module.scale.copy_(torch.tensor([1.0, 2.0, 3.0]))
    assert module(x).reshape(2, 3, -1)[1, :, 0].tolist() == [1.0, 2.0, 3.0]


def test_prelu_has_a_slope_for_each_channel(torch, modules):
    module = modules.PReLU(2)
    with torch.no_grad():
        module.slope.copy_(torch.tensor([0.5, 0.25]))
    x = torch.tensor([-4.0, 4.0]).reshape(1, 1, 1, 2).expand(1, 2, 1, 2)
    assert module(x).flatten().tolist() == [-2.0, 4.0, -1.0, 4.0]
    assert list(module.state_dict()) == ["slope"]


def test_drop_path_removes_whole_images_in_training_and_keeps_the_mean(torch, modules):
    module = modules.DropPath(0.25)
    x = torch.ones(4000, 2, 1, 3)
    y = module.train()(x)
    values = y.reshape(4000, -1)
    assert bool((values == values[:, :1]).all())
    assert values[:, 0].unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    assert y.mean().item() == pytest.approx(1.0, abs=0.05)
    assert torch.equal(module.eval()(x), x)


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1, 1)])
def test_a_channel_convolution_sums_neighbouring_channels(torch, modules, shape):
    conv = modules.ChannelConv(3)
    conv.weight.data.copy_(torch.tensor([[[1.0, 10.0, 100.0]]]))
    x = torch.zeros(shape)
    x[:, 2] = 1
    y = conv(x)
    assert y.shape == shape
    assert y.flatten(1)[0].tolist() == [0, 100, 10, 1, 0, 0]
