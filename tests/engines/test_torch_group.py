"""Synchronised batch norm of PyTorch, and the sums over processes; two processes: tests/training/test_group.py."""

import socket

import pytest

from resnet_lab.engines.contract import Rank
from tests.conftest import engine_or_skip


@pytest.fixture
def group():
    """A group of this process alone."""
    engine_or_skip("torch")
    import torch

    from resnet_lab.engines.torch.group import Group

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    yield Group(Rank(0, 1, f"127.0.0.1:{port}", True), torch.device("cpu"))
    torch.distributed.destroy_process_group()


def test_a_synchronised_norm_is_a_batch_norm_over_all_images(group):
    import torch

    from resnet_lab.engines.torch.group import SynchronisedBatchNorm

    torch.manual_seed(0)
    values = torch.randn(6, 3, 4, 4) * 3 + 20
    weights = torch.randn(6, 3, 4, 4)
    plain, ours = torch.nn.BatchNorm2d(3), SynchronisedBatchNorm(3)
    found = []
    for norm in (plain, ours):
        with torch.no_grad():
            norm.weight.copy_(torch.tensor([0.5, 1.0, 2.0]))
            norm.bias.copy_(torch.tensor([1.0, 0.0, -1.0]))
        x = values.clone().requires_grad_()
        y = norm(x)
        (y * weights).sum().backward()
        found.append((y.detach(), x.grad, norm.weight.grad, norm.bias.grad, norm.running_mean))
    for wanted, own in zip(*found, strict=True):
        assert torch.allclose(own, wanted, atol=1e-4)
    # PyTorch divides the sum of squares by n - 1 for its running variance, MXNet by n.
    count = 6 * 4 * 4
    assert torch.allclose(ours.running_var - 0.9, (plain.running_var - 0.9) * (count - 1) / count)
    assert torch.equal(ours.eval()(values), torch.nn.functional.batch_norm(
        values, ours.running_mean, ours.running_var, ours.weight, ours.bias))  # fmt: skip


def test_a_synchronised_norm_keeps_bfloat16(group):
    import torch

    from resnet_lab.engines.torch.group import SynchronisedBatchNorm

    assert SynchronisedBatchNorm(3)(torch.randn(4, 3, 2, 2).bfloat16()).dtype == torch.bfloat16


def test_gradients_become_those_of_the_mean_loss(group):
    import torch

    image = torch.arange(8.0).reshape(1, 2, 2, 2).contiguous(memory_format=torch.channels_last)
    gradients = [torch.tensor([2.0, 4.0]), None, image.clone(memory_format=torch.preserve_format)]
    score = group.combine(gradients, torch.tensor([6.0, 3.0, 4.0]))
    assert score.tolist() == [1.5, 3.0, 4.0]
    assert gradients[0].tolist() == [0.5, 1.0]
    assert torch.equal(gradients[2], image / 4)


def test_a_mean_of_equal_arrays_is_that_array(group):
    import torch

    arrays = [torch.randn(3), torch.randn(2)]
    wanted = [array.clone() for array in arrays]
    group.average(arrays)
    group.average([])
    assert all(torch.equal(array, own) for array, own in zip(arrays, wanted, strict=True))
