"""One lowering for each op, and the module that they make: a torch.fx.GraphModule with a `forward` to read.

Parameters live in ordinary modules (nn.Conv2d, nn.BatchNorm2d, ...) under the graph's names;
`print(module.code)` shows the network as Python.
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

Lowering = Callable[["Program", Node, Sequence[fx.Node]], fx.Node]

LOWERINGS: dict[str, Lowering] = {}


NARROW = 64
"""Channels below which a strided 1x1 convolution is a `StridedPointwise`: four times the most that was seen to fail."""


class LayerNorm(nn.LayerNorm):
    """Layer norm over the channels of each position, channels first."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class FrozenBatchNorm(nn.BatchNorm2d):
    """Batch norm that goes by its running statistics in training, too, and leaves them alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean, var = self.running_mean, self.running_var
        return functional.batch_norm(x, mean, var, self.weight, self.bias, training=False, eps=self.eps)


class StridedPointwise(nn.Conv2d):
    """A 1x1 convolution with a stride, which on the CPU reads a subsampled input with stride 1.

    PyTorch's own kernel for this convolution computes wrong weight gradients on the CPU, or crashes, where the memory
    is laid out channels last and there are few channels (seen with PyTorch 2.13 up to 15 input channels, not from 16
    on). The result of both ways is the same by definition. Wide convolutions keep PyTorch's kernel, which is faster.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.is_cuda:
            return functional.conv2d(x, self.weight, self.bias, self.stride, self.padding, groups=self.groups)
        rows, columns = self.padding[0], self.padding[1]
        if rows > 0 or columns > 0:
            x = functional.pad(x, [columns, columns, rows, rows])
        x = x[:, :, :: self.stride[0], :: self.stride[1]]
        return functional.conv2d(x, self.weight, self.bias, groups=self.groups)


class LayerScale(nn.Module):
    """A factor a channel."""

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(shape[0]))
        self.around = (1,) * (len(shape) - 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.scale.view(-1, *self.around)


class PReLU(nn.Module):
    """PReLU whose slopes have the same name as in the graph."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.prelu(x, self.slope)


class DropPath(nn.Module):
    """Zero whole images in training; see `ops.drop_path`."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or not self.rate:
            return x
        kept = torch.rand(x.shape[0], *(1,) * (x.dim() - 1), device=x.device) >= self.rate
        return x * kept.to(x.dtype) / (1 - self.rate)


class Program:
    """A torch.fx graph in the making, and the modules that it calls."""

    def __init__(self, graph: Graph) -> None:
        self.fx = fx.Graph()
        self.modules: dict[str, nn.Module] = {}
        self.graph = {node.name: node for node in graph.nodes}
        self.uses: dict[str, int] = {}
        for node in graph.nodes:
            for name in node.inputs:
                self.uses[name] = self.uses.get(name, 0) + 1

    def module(self, node: Node, module: nn.Module, x: fx.Node) -> fx.Node:
        """Call a module that is kept under the node's name."""
        self.modules[node.name] = module
        return self.fx.call_module(node.name, (x,))

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> fx.Node:
        """Call a function."""
        return self.fx.call_function(function, args, kwargs)

    def may_overwrite(self, node: Node) -> bool:
        """Whether an activation can take its input's memory: nobody else reads it, its backward pass neither."""
        source = self.graph[node.inputs[0]]
        return self.uses[source.name] == 1 and source.op in ("conv", "norm", "add")


def lower(graph: Graph) -> fx.GraphModule:
    """The network as a module from (batch, C, H, W) to (batch, classes)."""
    program = Program(graph)
    values = {graph.nodes[0].name: program.fx.placeholder("images")}
    for node in graph.layers:
        values[node.name] = LOWERINGS[node.op](program, node, [values[name] for name in node.inputs])
    program.fx.output(values[graph.nodes[-1].name])
    return fx.GraphModule(program.modules, program.fx, "Network")


def own_name(node: Node, key: str) -> str:
    """Where a parameter `key` of a node is in the module: PyTorch calls a norm's scale its weight."""
    return f"{node.name}.{'weight' if node.op == 'norm' and key == 'scale' else key}"


def lowers(op: str) -> Callable[[Lowering], Lowering]:
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
        # PyTorch's momentum is the share of the new value.
        kind = FrozenBatchNorm if a.get("frozen") else nn.BatchNorm2d
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
    if node.attrs["broadcast"]:
        gate = program.call(torch.reshape, gate, (-1, *node.output[:1], *(1,) * (len(node.output) - 1)))
    return program.call(operator.mul, inputs[0], gate)


@lowers("concat")
def _concat(program: Program, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return program.call(torch.cat, list(inputs), 1)


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
