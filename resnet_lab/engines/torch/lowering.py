"""Lower a graph to a torch.fx.GraphModule, with one lowering function for each op.

The parameters belong to ordinary modules (nn.Conv2d, nn.BatchNorm2d, ...), which have the names of the graph's nodes.
`print(module.code)` shows the forward pass of the network as Python code.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from ...blocks import opaque
from ...network.graph import Graph, Node
from ...ops.shapes import AXES
from .group import SynchronisedBatchNorm
from .modules import NARROW, ChannelConv, DropPath, FrozenBatchNorm, LayerNorm, LayerScale, PReLU, StridedPointwise

Lowering = Callable[["Program", Node, Sequence[fx.Node]], fx.Node]
"""Adds one node of the graph to a program; receives the values of the node's inputs, and returns that of its output."""

LOWERINGS: dict[str, Lowering] = {}
"""The lowering of each op, by the name of the op."""


class Program:
    """A torch.fx graph that is being written, and the modules that it calls; the arguments are those of `lower`."""

    def __init__(self, graph: Graph, synchronised: bool) -> None:
        self.synchronised = synchronised
        self.fx = fx.Graph()
        self.modules: dict[str, nn.Module] = {}
        self.graph = {node.name: node for node in graph.nodes}
        self.uses: dict[str, int] = {}
        for node in graph.nodes:
            for name in node.inputs:
                self.uses[name] = self.uses.get(name, 0) + 1

    def module(self, node: Node, module: nn.Module, x: fx.Node) -> fx.Node:
        """Add a call of `module` on `x`; the module gets the name of the node."""
        self.modules[node.name] = module
        return self.fx.call_module(node.name, (x,))

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> fx.Node:
        """Add a call of a function."""
        return self.fx.call_function(function, args, kwargs)

    def may_overwrite(self, node: Node) -> bool:
        """Whether an activation may write over its input: no other node and no backward pass reads that input."""
        source = self.graph[node.inputs[0]]
        return self.uses[source.name] == 1 and source.op in ("conv", "norm", "add")


def lower(graph: Graph, synchronised: bool = False) -> fx.GraphModule:
    """Make a module of a graph; it maps images (batch, C, H, W) to logits (batch, classes).

    Args:
        graph: the network.
        synchronised: whether batch norm takes its statistics over the whole batch of several processes (group.py).
    """
    program = Program(graph, synchronised)
    values = {graph.nodes[0].name: program.fx.placeholder("images")}
    for node in graph.layers:
        values[node.name] = LOWERINGS[node.op](program, node, [values[name] for name in node.inputs])
    program.fx.output(values[graph.nodes[-1].name])
    return fx.GraphModule(program.modules, program.fx, "Network")


def own_name(node: Node, key: str) -> str:
    """The name that a parameter `key` of a node has in the module: PyTorch calls the scale of a norm its weight."""
    return f"{node.name}.{'weight' if node.op == 'norm' and key == 'scale' else key}"


def lowers(op: str) -> Callable[[Lowering], Lowering]:
    """Register the decorated function as the lowering of an op."""

    def register(function: Lowering) -> Lowering:
        LOWERINGS[op] = function
        return function

    return register


@lowers(opaque.OP)
def _opaque(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.module(node, opaque.of(node), inputs[0])


@lowers("conv")
def _conv(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    a = node.attrs
    channels = node.params["weight"].shape[1] * a["groups"]
    narrow = min(node.params["weight"].shape[1], node.output[0] // a["groups"]) < NARROW
    kind = StridedPointwise if narrow and tuple(a["kernel"]) == (1, 1) and a["stride"] > 1 else nn.Conv2d
    return program.module(
        node,
        kind(
            channels,
            node.output[0],
            tuple(a["kernel"]),
            a["stride"],
            tuple(a["padding"]),
            a["dilation"],
            a["groups"],
            a["bias"],
        ),
        inputs[0],
    )


@lowers("norm")
def _norm(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    a, channels = node.attrs, node.output[0]
    affine = a["scale"] or a["center"]
    module: nn.Module
    if a["kind"] == "batch":
        # PyTorch's momentum is the weight of the new value, the graph's is that of the old one.
        trained = SynchronisedBatchNorm if program.synchronised else nn.BatchNorm2d
        kind = FrozenBatchNorm if a.get("frozen") else trained
        module = kind(channels, a["epsilon"], 1 - a["momentum"], affine)
    elif a["kind"] == "group":
        module = nn.GroupNorm(a["groups"], channels, a["epsilon"], affine)
    else:
        module = LayerNorm(channels, a["epsilon"], affine)
    if affine:
        module.weight.requires_grad_(a["scale"])
        module.bias.requires_grad_(a["center"])
    return program.module(node, module, inputs[0])


@lowers("relu")
def _relu(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.call(functional.relu, inputs[0], inplace=program.may_overwrite(node))


@lowers("relu6")
def _relu6(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.call(functional.relu6, inputs[0])


@lowers("gelu")
def _gelu(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.call(functional.gelu, inputs[0])


@lowers("silu")
def _silu(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.call(functional.silu, inputs[0])


@lowers("hard_swish")
def _hard_swish(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.call(functional.hardswish, inputs[0])


@lowers("sigmoid")
def _sigmoid(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.call(torch.sigmoid, inputs[0])


@lowers("max_pool")
def _max_pool(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    a = node.attrs
    return program.call(functional.max_pool2d, inputs[0], tuple(a["kernel"]), a["stride"], tuple(a["padding"]))


@lowers("avg_pool")
def _avg_pool(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    a = node.attrs
    return program.call(
        functional.avg_pool2d,
        inputs[0],
        tuple(a["kernel"]),
        a["stride"],
        tuple(a["padding"]),
        a["ceil"],
        a["count_padding"],
    )


@lowers("global_avg_pool")
def _global_avg_pool(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.call(functional.adaptive_avg_pool2d, inputs[0], 1)


@lowers("dense")
def _dense(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    features, size = node.params["weight"].shape
    flat = program.call(torch.flatten, inputs[0], 1)
    return program.module(node, nn.Linear(size, features, node.attrs["bias"]), flat)


@lowers("add")
def _add(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.call(operator.add, *inputs)


@lowers("multiply")
def _multiply(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    gate = inputs[1]
    if node.attrs["broadcast"] is True:
        gate = program.call(torch.reshape, gate, (-1, *node.output[:1], *(1,) * (len(node.output) - 1)))
    return program.call(operator.mul, inputs[0], gate)


@lowers("concat")
def _concat(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.call(torch.cat, list(inputs), 1 + AXES.index(node.attrs.get("axis", "channels")))


@lowers("split")
def _split(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.call(torch.split, inputs[0], node.attrs["sizes"], 1)


@lowers("part")
def _part(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.call(operator.getitem, inputs[0], node.attrs["index"])


@lowers("subtract")
def _subtract(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.call(operator.sub, *inputs)


@lowers("affine")
def _affine(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    factor, offset = node.attrs["factor"], node.attrs["offset"]
    if factor == -1:
        return program.call(operator.sub, offset, inputs[0])
    scaled = inputs[0] if factor == 1 else program.call(operator.mul, inputs[0], factor)
    return program.call(operator.add, scaled, offset) if offset else scaled


@lowers("tanh")
def _tanh(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.call(torch.tanh, inputs[0])


@lowers("softmax")
def _softmax(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    parts, (channels, *extents) = node.attrs["parts"], node.output
    if parts == channels:
        return program.call(torch.softmax, inputs[0], 1)
    apart = program.call(torch.reshape, inputs[0], (-1, parts, channels // parts, *extents))
    return program.call(torch.reshape, program.call(torch.softmax, apart, 1), (-1, *node.output))


@lowers("channel_mean")
def _channel_mean(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.call(torch.mean, inputs[0], 1, True)


@lowers("channel_max")
def _channel_max(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    # torch.amax divides the gradient among several equal channels; torch.max gives it to the first, as MXNet does.
    return program.call(operator.getitem, program.call(torch.max, inputs[0], 1, True), 0)


@lowers("channel_conv")
def _channel_conv(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.module(node, ChannelConv(node.attrs["kernel"]), inputs[0])


@lowers("pad_channels")
def _pad_channels(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.call(functional.pad, inputs[0], (0, 0, 0, 0, node.attrs["before"], node.attrs["after"]))


@lowers("subsample")
def _subsample(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    every = slice(None, None, node.attrs["stride"])
    return program.call(operator.getitem, inputs[0], (slice(None), slice(None), every, every))


@lowers("dropout")
def _dropout(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.module(node, nn.Dropout(node.attrs["rate"]), inputs[0])


@lowers("drop_path")
def _drop_path(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.module(node, DropPath(node.attrs["rate"]), inputs[0])


@lowers("layer_scale")
def _layer_scale(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.module(node, LayerScale(node.output), inputs[0])


@lowers("prelu")
def _prelu(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.module(node, PReLU(node.output[0]), inputs[0])
