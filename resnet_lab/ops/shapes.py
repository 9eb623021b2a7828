"""Ops that change which channels and positions a feature map has, without arithmetic."""

from __future__ import annotations

from ..network.graph import show
from ..network.tensor import Tensor
from .define import check_map, check_whole, emit, op, refuse


@op
def concat(*tensors: Tensor, name: str | None = None) -> Tensor:
    """Feature maps of one height and width, stacked along the channels.

    Raises:
        GraphError: Heights or widths differ.
    """
    if not tensors:
        raise TypeError("concat needs at least one tensor")
    x = tensors[0]
    for other in tensors[1:]:
        if other.shape[1:] != x.shape[1:]:
            refuse(
                x,
                "concat",
                name,
                f"cannot stack {show(x.shape)} (from {x.node.name}) and {show(other.shape)} (from {other.node.name})",
            )
    return emit("concat", *tensors, output=(sum(tensor.channels for tensor in tensors), *x.shape[1:]), name=name)


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
