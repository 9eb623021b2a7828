"""Ops across the channels of a tensor: softmax, mean, maximum and a 1-D convolution."""

from __future__ import annotations

from ..network.graph import Parameter, show
from ..network.replicas import apart, replicates
from ..network.tensor import Tensor
from .define import check_map, check_whole, emit, op, refuse


@op
def softmax(x: Tensor, parts: int | None = None, *, name: str | None = None) -> Tensor:
    """exp(x), divided by the sum of exp(x) over the channels at each position, or over equal parts of the channels.

    With `parts`, the sum at channel c of a part goes over channel c of all parts. The gates of two branches, which add
    up to 1 (Li et al. 2019, SKNet), are therefore `split(softmax(logits, parts=2), 2)`.

    Args:
        x: a feature map or a vector.
        parts: the number of equal parts, as in `split`; where None, each channel is a part.
        name: the layer's name.

    Raises:
        GraphError: The number of parts does not divide the channels.
    """
    check_whole(x, "softmax", name, parts=parts)
    parts = x.channels if parts is None else parts
    if parts < 1 or x.channels % parts:
        refuse(x, "softmax", name, f"cannot make {parts} equal parts of {x.channels} channels (from {x.node.name})")
    return emit("softmax", x, output=x.shape, name=name, parts=parts)


@op
def channel_mean(x: Tensor, *, name: str | None = None) -> Tensor:
    """Mean over the channels at each position, from CxHxW to 1xHxW.

    Raises:
        GraphError: `x` is not a feature map.
    """
    return emit("channel_mean", x, output=(1, *check_map(x, "channel_mean", name)[1:]), name=name)


@op
def channel_max(x: Tensor, *, name: str | None = None) -> Tensor:
    """Maximum over the channels at each position, from CxHxW to 1xHxW.

    Where several channels have the maximum, the first of them gets the gradient.

    Raises:
        GraphError: `x` is not a feature map.
    """
    return emit("channel_max", x, output=(1, *check_map(x, "channel_max", name)[1:]), name=name)


@op
def channel_conv(x: Tensor, kernel: int, *, name: str | None = None) -> Tensor:
    """1-D convolution along the channels of a vector, with zeros at both ends (Wang et al. 2020, ECA-Net).

    Each result is a weighted sum of `kernel` neighbouring channels; all channels have the same weights, and no offset.

    Args:
        x: a vector (C,) or Cx1x1, such as the result of `global_avg_pool`.
        kernel: the number of neighbouring channels, an odd number.
        name: the layer's name.

    Returns:
        A tensor of the same shape.

    Raises:
        GraphError: The kernel is not an odd number of at least 1, or `x` is not a vector.
    """
    check_whole(x, "channel_conv", name, kernel=kernel)
    if x.shape not in ((x.channels,), (x.channels, 1, 1)):
        refuse(x, "channel_conv", name, f"needs a vector C or Cx1x1, got {show(x.shape)}")
    if kernel < 1 or kernel % 2 == 0:
        refuse(x, "channel_conv", name, f"the kernel is an odd number of channels, not {kernel}")
    params = {"weight": Parameter((1, 1, kernel), fan=(kernel, kernel))}
    return emit("channel_conv", x, output=x.shape, name=name, params=params, macs=x.channels * kernel, kernel=kernel)


replicates("softmax", "channel_mean", "channel_max", "channel_conv")(apart)
