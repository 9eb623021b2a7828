"""The pretended GPU fails where a GPU would; else the tests that use it would show nothing."""

import pytest

from tests.conftest import engine_or_skip


@pytest.fixture
def torch():
    engine_or_skip("torch")
    import torch

    return torch


@pytest.fixture
def gpu(torch):
    from tests.pretended_gpu import pretended_gpu

    with pretended_gpu() as gpu:
        yield gpu


def test_tensors_are_where_they_were_made(torch, gpu):
    x = torch.ones(2, 3, device="cuda")
    assert [str(each.device) for each in (x, x + 1, x[0], torch.zeros_like(x), x.cpu())] == 4 * ["cuda:0"] + ["cpu"]
    assert x[0].add_(1) is not x
    assert x.sum().item() == 9
    assert torch.zeros(2, device="cpu").device.type == "cpu"


@pytest.mark.parametrize(
    "operation",
    [
        lambda torch, x, y: x + y,
        lambda torch, x, y: torch.cat([x, y]),
        lambda torch, x, y: x[y.long()],
        lambda torch, x, y: torch._foreach_add_([x], [y]),
        lambda torch, x, y: torch.nn.functional.linear(x[None], y[None]),
    ],
    ids=["add", "cat", "index", "foreach", "linear"],
)
def test_an_operation_on_two_devices_is_an_error(torch, gpu, operation):
    x, y = torch.ones(2, device="cuda"), torch.ones(2)
    with pytest.raises(RuntimeError, match="same device"):
        operation(torch, x, y)


def test_a_number_is_on_no_device(torch, gpu):
    assert (torch.ones(2, device="cuda") + torch.tensor(1.0)).tolist() == [2, 2]


def test_numpy_cannot_read_the_gpu(torch, gpu):
    with pytest.raises(TypeError, match="cuda:0"):
        torch.ones(2, device="cuda").numpy()


@pytest.mark.parametrize(
    ("operation", "waits"),
    [
        (lambda torch, x: x.sum().item(), True),
        (lambda torch, x: bool(x.sum() > 0), True),
        (lambda torch, x: x.cpu(), True),
        (lambda torch, x: x.to("cpu", non_blocking=True), False),
        (lambda torch, x: x.tolist(), True),
        (lambda torch, x: x.nonzero(), True),
        (lambda torch, x: x[x > 0], True),
        (lambda torch, x: x[x.long()], False),
        (lambda torch, x: torch.where(x > 0, x, 0), False),
        (lambda torch, x: torch.ones(2).to("cuda:0"), True),
        (lambda torch, x: torch.ones(2).to("cuda:0", non_blocking=True), True),
        (lambda torch, x: torch.ones(2).pin_memory().to("cuda:0"), True),
        (lambda torch, x: torch.ones(2).pin_memory().to("cuda:0", non_blocking=True), False),
        (lambda torch, x: x.copy_(torch.ones(2)), True),
        (lambda torch, x: x.copy_(x + 1), False),
        (lambda torch, x: x.fill_(1.0), False),
        (lambda torch, x: x.double().sum(), False),
    ],
)
def test_what_python_waits_for(torch, gpu, operation, waits):
    x = torch.ones(2, device="cuda")
    operation(torch, x)
    assert bool(gpu.waits) == waits
    assert all("test_pretended_gpu.py:" in wait for wait in gpu.waits)


def captured(torch, function):
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        function()
    return graph


def test_a_capture_carries_nothing_out_and_a_replay_repeats_it(torch, gpu):
    total, step = torch.zeros(2, device="cuda"), torch.ones(2, device="cuda")
    graph = captured(torch, lambda: total.add_(step * 2))
    assert total.tolist() == [0, 0]
    step.fill_(3)
    graph.replay()
    graph.replay()
    assert total.tolist() == [12, 12]
    assert gpu.replays == 2


@pytest.mark.parametrize(
    "operation",
    [
        lambda torch, x: x.sum().item(),
        lambda torch, x: x.cpu(),
        lambda torch, x: x.to("cpu", non_blocking=True),
        lambda torch, x: torch.ones(2).pin_memory().to("cuda:0", non_blocking=True),
        lambda torch, x: x[x > 0],
    ],
    ids=["item", "cpu", "non-blocking", "from the CPU", "mask"],
)
def test_what_cannot_be_captured(torch, gpu, operation):
    x = torch.ones(2, device="cuda")
    with pytest.raises(RuntimeError, match="not permitted when stream is capturing"):
        captured(torch, lambda: operation(torch, x))
    assert x.add_(1).tolist() == [2, 2]


def test_gradients_are_on_the_gpu(torch, gpu):
    x = torch.ones(2, 4, device="cuda").requires_grad_()
    first, _ = x.split(2, 1)
    (first * first).sum().backward()  # the gradient of the other half comes from nothing
    assert str(x.grad.device) == "cuda:0"
    assert x.grad.tolist() == [[2, 2, 0, 0]] * 2


def test_nothing_is_pretended_after_it(torch):
    from tests.pretended_gpu import pretended_gpu

    before = (torch.cuda.is_available, torch.Tensor.pin_memory, torch.autocast, torch.Generator)
    with pretended_gpu():
        assert torch.cuda.is_available()
        left = torch.ones(2, device="cuda")
    assert (torch.cuda.is_available, torch.Tensor.pin_memory, torch.autocast, torch.Generator) == before
    assert torch.ones(2).device.type == "cpu"
    with pytest.raises(RuntimeError, match="not there any more"):
        left + 1
