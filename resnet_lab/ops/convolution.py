"""Convolutions."""

from __future__ import annotations

from collections.abc import Sequence

from ..network.graph import Node, Parameter
from ..network.replicas import Stack, replicates, widened
from ..network.tensor import Tensor
from ..network.window import Size
from .define import check_whole, emit, op, refuse, window


@op
def conv(
    x: Tensor,
    channels: int,
    kernel: Size,
    stride: int = 1,
    *,
    padding: Size | None = None,
    groups: int = 1,
    dilation: int = 1,
    bias: bool = False,
    name: str | None = None,
) -> Tensor:
    """2-D convolution, from CxHxW to `channels`xH'xW'.

    Args:
        x: a feature map.
        channels: channels of the result.
        kernel: height and width of the kernel; one number for both.
        stride: pixels from one place of the window to the next.
        padding: zeros on each side; half the kernel where None.
        groups: parts that the channels are divided into; each part of the result sees one part of `x`.
        dilation: pixels from one element of the kernel to the next.
        bias: whether a learnt offset is added to each channel.
        name: the layer's name.

    Raises:
        GraphError: An even kernel shifts the grid, the window leaves nothing, or `groups` does not divide the
            channels.
    """
    kernels, pads, extents = window(x, "conv", name, kernel, stride, padding, dilation)
    check_whole(x, "conv", name, channels=channels, groups=groups)
    if channels < 1 or groups < 1 or x.channels % groups or channels % groups:
        refuse(x, "conv", name, f"{groups} groups do not divide {x.channels} input and {channels} output channels")
    area = kernels[0] * kernels[1]
    weight = (channels, x.channels // groups, *kernels)
    params = {"weight": Parameter(weight, fan=(weight[1] * area, channels // groups * area))}
    if bias:
        params["bias"] = Parameter((channels,))
    return emit(
        "conv",
        x,
        output=(channels, *extents),
        name=name,
        params=params,
        macs=channels * extents[0] * extents[1] * weight[1] * area,
        kernel=list(kernels),
        stride=stride,
        padding=list(pads),
        groups=groups,
        dilation=dilation,
        bias=bias,
    )


@replicates("conv")
def _conv_replicas(stack: Stack, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    return widened(stack, node, inputs, groups=stack.count * node.attrs["groups"])
