"""Ops that change which channels and positions a feature map has, without arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from ..network.graph import Node, Shape, show
from ..network.replicas import Stack, apart, as_map, own_layer, replicates, widened
from ..network.tensor import Tensor
from .define import check_map, check_whole, emit, op, refuse, scope

AXES = ("channels", "height", "width")
"""The extents of a feature map, in the order of its shape."""

PART = "part"
"""The node of one part of a split; `split` appends it, and blocks do not call it."""


@op
def concat(
    *tensors: Tensor, axis: Literal["channels", "height", "width"] = "channels", name: str | None = None
) -> Tensor:
    """Tensors joined along the channels, or feature maps along the height or the width.

    Args:
        tensors: feature maps or vectors that differ in no other extent.
        axis: the extent that the tensors are joined along.
        name: the layer's name.

    Raises:
        GraphError: The tensors differ in another extent, or the axis is unknown.
    """
    if not tensors:
        raise TypeError("concat needs at least one tensor")
    if not all(isinstance(tensor, Tensor) for tensor in tensors):
        raise TypeError(
            "concat takes the tensors themselves, as in concat(a, b) or concat(*tensors), not a list of them"
        )
    x = tensors[0]
    if axis not in AXES:
        refuse(x, "concat", name, f"the axis is channels, height or width, not '{axis}'")
    if axis != "channels":
        check_map(x, "concat", name)
    place = AXES.index(axis)

    def around(tensor: Tensor) -> Shape:
        return tensor.shape[:place] + tensor.shape[place + 1 :]

    for other in tensors[1:]:
        if len(other.shape) != len(x.shape) or around(other) != around(x):
            refuse(
                x,
                "concat",
                name,
                f"cannot stack {show(x.shape)} (from {x.node.name}) and {show(other.shape)} (from {other.node.name})",
            )
    extent = sum(tensor.shape[place] for tensor in tensors)
    # The default is left out of the attributes, so that networks of earlier versions keep their digests.
    attrs: dict[str, Any] = {"_sizes": [tensor.shape[place] for tensor in tensors]}
    if axis != "channels":
        attrs["axis"] = axis
    return emit("concat", *tensors, output=(*x.shape[:place], extent, *x.shape[place + 1 :]), name=name, **attrs)


@op
def split(x: Tensor, parts: int | Sequence[int], *, name: str | None = None) -> list[Tensor]:
    """The channels of `x` in consecutive parts; `x[8:16]` is the shorter form for a single part.

    The network gets one node for the division and one for each part, so that an engine divides `x` once.

    Args:
        x: a feature map or a vector.
        parts: the number of equal parts, or the number of channels of each part.
        name: the layer's name.

    Returns:
        The parts in their order; `x` itself where there is only one.

    Raises:
        GraphError: The number of parts does not divide the channels, or the parts do not add up to the channels.
    """
    check_whole(x, "split", name, parts=tuple(parts) if isinstance(parts, Sequence) else parts)
    if isinstance(parts, int):
        if parts < 1 or x.channels % parts:
            refuse(x, "split", name, f"cannot make {parts} equal parts of {x.channels} channels (from {x.node.name})")
        parts = [x.channels // parts] * parts
    if min(parts, default=0) < 1 or sum(parts) != x.channels:
        refuse(x, "split", name, f"parts of {list(parts)} channels do not add up to {x.channels} (from {x.node.name})")
    if len(parts) == 1:
        return [x]
    whole = emit("split", x, output=x.shape, name=name, sizes=list(parts))
    with scope(x, whole.node.name.removeprefix(x.builder.prefix)):
        return [
            emit(PART, whole, output=(size, *x.shape[1:]), name=f"part{index + 1}", index=index)
            for index, size in enumerate(parts)
        ]


@op
def pad_channels(x: Tensor, channels: int, *, name: str | None = None) -> Tensor:
    """Add channels of zeros, half of them before and half after those of `x`; an odd one comes after.

    Args:
        x: a feature map.
        channels: channels of the result.
        name: the layer's name.

    Raises:
        GraphError: `x` has more channels already.
    """
    check_map(x, "pad_channels", name)
    check_whole(x, "pad_channels", name, channels=channels)
    extra = channels - x.channels
    if extra < 0:
        refuse(x, "pad_channels", name, f"cannot pad {show(x.shape)} to {channels} channels, which are fewer")
    return emit(
        "pad_channels", x, output=(channels, *x.shape[1:]), name=name, before=extra // 2, after=extra - extra // 2
    )


@op
def subsample(x: Tensor, stride: int, *, name: str | None = None) -> Tensor:
    """Every `stride`-th row and column, from the first: x[:, ::stride, ::stride].

    Raises:
        GraphError: The stride is below 1, or `x` is not a feature map.
    """
    channels, height, width = check_map(x, "subsample", name)
    check_whole(x, "subsample", name, stride=stride)
    if stride < 1:
        refuse(x, "subsample", name, f"stride {stride} must be at least 1")
    return emit("subsample", x, output=(channels, -(-height // stride), -(-width // stride)), name=name, stride=stride)


replicates("subsample")(widened)
replicates("pad_channels")(apart)


@replicates("concat")
def _concat_replicas(stack: Stack, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """Along the channels, the parts of the first replica come first, then those of the second, and so on."""
    if "axis" in node.attrs:
        return widened(stack, node, inputs)
    by_replica = zip(*(stack.parts(x) for x in inputs), strict=True)
    return concat(*(part for parts in by_replica for part in parts), name=node.name)


@replicates("split")
def _split_replicas(stack: Stack, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """The stacked tensor is divided once, into all parts of all replicas; `_part_replicas` joins equal parts."""
    return widened(stack, node, inputs, sizes=stack.count * node.attrs["sizes"])


@replicates(PART)
def _part_replicas(stack: Stack, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    each = len(inputs[0].node.attrs["sizes"]) // stack.count
    parts = [
        emit(
            PART,
            *inputs,
            output=as_map(node.output),
            name=own_layer(node, number),
            index=number * each + node.attrs["index"],
        )
        for number in range(stack.count)
    ]
    return stack.join(parts, node.name)
