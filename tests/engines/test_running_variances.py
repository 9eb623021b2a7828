"""The running variances that the torch engine keeps: MXNet's definition, from the values of a batch themselves."""

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import ops
from resnet_lab.network.initial import initial
from resnet_lab.network.tensor import Builder
from resnet_lab.specs.optimizers import Sgd
from resnet_lab.training.epoch import train_epoch
from tests.conftest import engine_or_skip


@pytest.mark.parametrize("frozen", [False, True])
def test_the_running_variance_moves_to_the_variance_of_the_batch(frozen):
    """Divided by n, and not by n - 1 as in PyTorch: with 12 values a channel, that is 9 % less."""
    builder = Builder()
    graph = builder.finish(ops.dense(ops.global_avg_pool(ops.norm(builder.input((2, 2, 2)))), 3))
    (norm,) = (node for node in graph.nodes if node.op == "norm")
    if frozen:
        norm.attrs["frozen"] = True
    model = engine_or_skip("torch").build(graph, "cpu", compile="off")
    model.load(initial(graph, 0))
    model.prepare(Sgd())
    images = np.random.default_rng(0).standard_normal((3, 2, 2, 2)).astype(np.float32)
    train_epoch(model, [(images, np.zeros(3, np.int32))], [0.0], 0, lambda count, loss: None)
    kept = 1.0 if frozen else norm.attrs["momentum"]
    wanted = kept * 1.0 + (1 - kept) * images.var(axis=(0, 2, 3))
    assert model.weights()[f"{norm.name}.running_var"] == pytest.approx(wanted, rel=1e-5)


def test_the_values_of_all_norms_are_copied_by_one_operation():
    """On a GPU, each operation is a launch, which takes longer than the copy."""
    engine = engine_or_skip("torch")
    from torch.utils._python_dispatch import TorchDispatchMode

    calls = []

    class Counts(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            calls.append(str(func))
            return func(*args, **(kwargs or {}))

    model = engine.build(rl.graph("cifar_resnet20"), "cpu", compile="off")
    with Counts():
        model._statistics.before()
    assert calls == ["aten._foreach_copy_.default"]
