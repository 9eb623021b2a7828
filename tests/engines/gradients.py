"""Gradients of one op in an engine, in float32 and in float64, for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from resnet_lab import engines
from resnet_lab.network.graph import Graph
from resnet_lab.network.tensor import Builder, Tensor


def graph_of(function: Callable[[Tensor], Tensor], shape: Sequence[int]) -> Graph:
    """The graph of a function of one tensor."""
    builder = Builder()
    return builder.finish(function(builder.input(tuple(shape))))


def gradients(
    engine: str, graph: Graph, weights: dict[str, Any], x: Any, head: Any, dtype: str
) -> dict[str, np.ndarray]:
    """The gradients of sum(head * network(x)) by all trained arrays and by the input (as `x`), as float64 arrays.

    Args:
        engine: `mxnet` or `torch`.
        weights: values of all arrays by name.
        x: images, (batch, C, H, W).
        head: the weights of the sum, of the output's shape.
        dtype: `float32` or `float64`.
    """
    model = engines.get(engine).build(graph, "cpu", compile="off")
    model.load({name: array.astype(np.float32) for name, array in weights.items()})
    if engine == "torch":
        return _torch(model, graph, x, head, dtype)
    return _mxnet(model, graph, x, head, dtype)


def _torch(model: Any, graph: Graph, x: Any, head: Any, dtype: str) -> dict[str, np.ndarray]:
    import torch

    from resnet_lab.engines.torch.lowering import own_name

    net = model.block.double() if dtype == "float64" else model.block
    net.train()
    images = torch.from_numpy(x.astype(dtype)).contiguous(memory_format=torch.channels_last).requires_grad_()
    output = net(images)
    (output * torch.from_numpy(head.astype(dtype))).sum().backward()
    own = dict(net.named_parameters())
    found = {
        f"{node.name}.{key}": own[own_name(node, key)].grad.double().numpy()
        for node in graph.nodes
        for key, parameter in node.params.items()
        if parameter.trained
    }
    return found | {"x": images.grad.double().numpy()}


def _mxnet(model: Any, graph: Graph, x: Any, head: Any, dtype: str) -> dict[str, np.ndarray]:
    import mxnet as mx

    net = model.block
    net.cast(dtype)
    images = mx.nd.array(x, dtype=dtype)
    images.attach_grad()
    with mx.autograd.record():
        loss = (net(images) * mx.nd.array(head, dtype=dtype)).sum()
    loss.backward()
    mx.nd.waitall()
    found = {
        name: net.own[name].grad().asnumpy().astype("float64")
        for name, parameter in graph.parameters.items()
        if parameter.trained
    }
    return found | {"x": images.grad.asnumpy().astype("float64")}


def random_inputs(graph: Graph, batch: int, seed: int = 0) -> tuple[dict[str, Any], Any, Any]:
    """Weights, images and a head for `gradients`; all are exact in float32."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> Any:
        return rng.standard_normal(shape).astype(np.float32)

    weights = {
        name: np.abs(draw(*parameter.shape)) + 0.5 if name.endswith("running_var") else draw(*parameter.shape)
        for name, parameter in graph.parameters.items()
    }
    return weights, draw(batch, *graph.input), draw(batch, *graph.output)
