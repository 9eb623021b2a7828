"""Lower a graph to calls of MXNet, with one lowering function for each op.

`F` is `mxnet.nd` or `mxnet.sym`, so that the same functions compute arrays and build symbols. For the running variance
MXNet's batch norm divides the batch's sum of squares by n, where PyTorch divides by n - 1 (engines/torch/model.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from ...network.graph import Node
from ...ops.shapes import AXES

Lowering = Callable[[Any, Node, Sequence[Any], Mapping[str, Any]], Any]
"""Receives F, a node, the values of the node's inputs and its parameters by key; returns the value of the node."""

LOWERINGS: dict[str, Lowering] = {}
"""The lowering of each op, by the name of the op."""


def lowers(op: str) -> Callable[[Lowering], Lowering]:
    """Register the decorated function as the lowering of an op."""

    def register(function: Lowering) -> Lowering:
        LOWERINGS[op] = function
        return function

    return register


def forward(
    F: Any, nodes: Sequence[Node], x: Any, arrays: Mapping[str, Any], modules: Mapping[str, Any] | None = None
) -> Any:
    """Run the nodes of a graph.

    Args:
        F: `mxnet.nd` or `mxnet.sym`.
        nodes: the nodes in topological order; the first is the input.
        x: images, (batch, C, H, W).
        arrays: the parameters by canonical name.
        modules: the blocks that are Gluon blocks of their own, by the names of their nodes.

    Returns:
        The output of the last node.
    """
    values = {nodes[0].name: x}
    for node in nodes[1:]:
        if modules and node.name in modules:
            values[node.name] = modules[node.name](values[node.inputs[0]])
            continue
        params = {key: arrays[f"{node.name}.{key}"] for key in node.params}
        values[node.name] = LOWERINGS[node.op](F, node, [values[name] for name in node.inputs], params)
    return values[nodes[-1].name]


@lowers("conv")
def _conv(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    a = node.attrs
    bias = [params["bias"]] if a["bias"] else []
    return F.Convolution(
        inputs[0],
        params["weight"],
        *bias,
        kernel=tuple(a["kernel"]),
        stride=(a["stride"],) * 2,
        pad=tuple(a["padding"]),
        dilate=(a["dilation"],) * 2,
        num_filter=node.output[0],
        num_group=a["groups"],
        no_bias=not a["bias"],
    )


@lowers("norm")
def _norm(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    a, x = node.attrs, inputs[0]
    if a["kind"] == "batch":
        mean, var = params["running_mean"], params["running_var"]
        scale = params["scale"] if a["scale"] else F.ones_like(var)
        bias = params["bias"] if a["center"] else F.zeros_like(mean)
        return F.BatchNorm(
            x,
            scale,
            bias,
            mean,
            var,
            eps=a["epsilon"],
            momentum=a["momentum"],
            fix_gamma=not a["scale"],
            use_global_stats=a.get("frozen", False),
            axis=1,
        )
    # These ones, a vector of C elements, are made from `x`, so that they have its device and its precision.
    ones = F.ones_like(F.reshape(F.slice(x, begin=(0, None, 0, 0), end=(1, None, 1, 1)), (-1,)))
    scale = params["scale"] if a["scale"] else ones
    bias = params["bias"] if a["center"] else F.zeros_like(ones)
    if a["kind"] == "layer":
        return F.LayerNorm(x, scale, bias, axis=1, eps=a["epsilon"])
    # MXNet's GroupNorm has one scale and one offset for each group. The op has one for each channel, applied below.
    ones = F.slice_axis(ones, axis=0, begin=0, end=a["groups"])
    x = F.GroupNorm(x, ones, F.zeros_like(ones), num_groups=a["groups"], eps=a["epsilon"])
    return F.broadcast_add(F.broadcast_mul(x, F.reshape(scale, (1, -1, 1, 1))), F.reshape(bias, (1, -1, 1, 1)))


@lowers("relu")
def _relu(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return F.Activation(inputs[0], act_type="relu")


@lowers("relu6")
def _relu6(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return F.clip(inputs[0], 0, 6)


@lowers("gelu")
def _gelu(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return F.LeakyReLU(inputs[0], act_type="gelu")


@lowers("silu")
def _silu(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return inputs[0] * F.sigmoid(inputs[0])


@lowers("hard_swish")
def _hard_swish(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return inputs[0] * F.clip(inputs[0] + 3, 0, 6) / 6


@lowers("sigmoid")
def _sigmoid(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return F.sigmoid(inputs[0])


@lowers("max_pool")
def _max_pool(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return F.Pooling(
        inputs[0],
        pool_type="max",
        kernel=tuple(node.attrs["kernel"]),
        pad=tuple(node.attrs["padding"]),
        stride=(node.attrs["stride"],) * 2,
    )


@lowers("avg_pool")
def _avg_pool(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return F.Pooling(
        inputs[0],
        pool_type="avg",
        kernel=tuple(node.attrs["kernel"]),
        pad=tuple(node.attrs["padding"]),
        stride=(node.attrs["stride"],) * 2,
        count_include_pad=node.attrs["count_padding"],
        pooling_convention="full" if node.attrs["ceil"] else "valid",
    )


@lowers("global_avg_pool")
def _global_avg_pool(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    # F.Pooling computes the same, but on the CPU its gradient takes up to 30 times as long (docs/engines.md).
    rows = F.reshape(inputs[0], shape=(-3, -3))  # (batch * C, H * W)
    ones = F.ones_like(F.slice_axis(rows, axis=0, begin=0, end=1))
    share = F.BlockGrad(F.broadcast_div(ones, F.sum(ones, axis=1, keepdims=True)))
    return F.reshape(F.dot(rows, share, transpose_b=True), shape=(-1, *node.output))


@lowers("dense")
def _dense(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    bias = [params["bias"]] if node.attrs["bias"] else []
    return F.FullyConnected(
        inputs[0], params["weight"], *bias, num_hidden=node.output[0], no_bias=not node.attrs["bias"], flatten=True
    )


@lowers("add")
def _add(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return inputs[0] + inputs[1]


@lowers("multiply")
def _multiply(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    x, gate = inputs
    if not node.attrs["broadcast"]:
        return x * gate
    if node.attrs["broadcast"] == "positions":
        return F.broadcast_mul(x, gate)
    return F.broadcast_mul(x, F.reshape(gate, shape=(0, -1) + (1,) * (len(node.output) - 1)))


@lowers("subtract")
def _subtract(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return inputs[0] - inputs[1]


@lowers("affine")
def _affine(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    factor, offset = node.attrs["factor"], node.attrs["offset"]
    if factor == -1:
        return offset - inputs[0]
    scaled = inputs[0] if factor == 1 else inputs[0] * factor
    return scaled + offset if offset else scaled


@lowers("concat")
def _concat(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    axis = node.attrs.get("axis", "channels")
    if axis != "channels":
        return F.Concat(*inputs, dim=1 + AXES.index(axis))
    return _joined(F, inputs, node.attrs["_sizes"], node)


def _joined(F: Any, parts: Sequence[Any], sizes: Sequence[int], node: Node) -> Any:
    """Join tensors along the channels.

    On the CPU, MXNet's kernel for feature maps works on blocks of 16 channels. If a part is no multiple of 16, the
    gradient of that kernel can end the process with signal 8, or raise "could not construct a sub-memory". Another
    kernel, which has no blocks, joins arrays of three axes.

    Args:
        F: `mxnet.nd` or `mxnet.sym`.
        parts: (batch, C, H, W) or (batch, C) each.
        sizes: the channels of each part.
        node: the node whose output is the result.
    """
    if len(node.output) != 3 or not any(size % 16 for size in sizes):
        return F.Concat(*parts, dim=1)
    rows = [F.reshape(part, shape=(0, 0, -1)) for part in parts]
    return F.reshape(F.Concat(*rows, dim=1), shape=(0, *node.output))


@lowers("split")
def _split(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return F.split_v2(inputs[0], tuple(accumulate(node.attrs["sizes"][:-1])), axis=1)


@lowers("part")
def _part(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return inputs[0][node.attrs["index"]]


@lowers("pad_channels")
def _pad_channels(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    before, after = node.attrs["before"], node.attrs["after"]
    if not before + after:
        return inputs[0]
    zero = F.zeros_like(F.slice_axis(inputs[0], axis=1, begin=0, end=1))
    parts = [F.broadcast_axis(zero, axis=1, size=size) if size else None for size in (before, after)]
    parts.insert(1, inputs[0])
    sizes = [before, node.output[0] - before - after, after]
    return _joined(F, [part for part in parts if part is not None], sizes, node)


@lowers("subsample")
def _subsample(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    step = (1, 1, node.attrs["stride"], node.attrs["stride"])
    return F.slice(inputs[0], begin=(None,) * 4, end=(None,) * 4, step=step)


@lowers("dropout")
def _dropout(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return F.Dropout(inputs[0], p=node.attrs["rate"])


@lowers("drop_path")
def _drop_path(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return F.Dropout(inputs[0], p=node.attrs["rate"], axes=tuple(range(1, len(node.output) + 1)))


@lowers("layer_scale")
def _layer_scale(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return F.broadcast_mul(inputs[0], F.reshape(params["scale"], shape=(1, -1) + (1,) * (len(node.output) - 1)))


@lowers("prelu")
def _prelu(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return F.LeakyReLU(inputs[0], params["slope"], act_type="prelu")


@lowers("tanh")
def _tanh(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return F.tanh(inputs[0])


@lowers("softmax")
def _softmax(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    parts, (channels, *extents) = node.attrs["parts"], node.output
    if parts == channels:
        return F.softmax(inputs[0], axis=1)
    apart = F.reshape(inputs[0], shape=(0, parts, channels // parts, *extents))
    return F.reshape(F.softmax(apart, axis=1), shape=(0, *node.output))


@lowers("channel_mean")
def _channel_mean(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    return F.mean(inputs[0], axis=1, keepdims=True)


@lowers("channel_max")
def _channel_max(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    # F.max gives the whole gradient to each of several equal channels, so that it counts more than once.
    return F.pick(inputs[0], F.argmax(inputs[0], axis=1), axis=1, keepdims=True)


@lowers("channel_conv")
def _channel_conv(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    kernel = node.attrs["kernel"]
    row = F.reshape(inputs[0], shape=(0, 1, -1))
    row = F.Convolution(row, params["weight"], kernel=(kernel,), pad=(kernel // 2,), num_filter=1, no_bias=True)
    return F.reshape(row, shape=(0, *node.output))
