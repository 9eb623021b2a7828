"""The bottleneck block: 1x1, 3x3 and 1x1 convolutions, with its shortcut and without.

Sources: He et al. 2015, Deep Residual Learning for Image Recognition, arXiv 1512.03385; Xie et al. 2017, Aggregated
Residual Transformations (ResNeXt), arXiv 1611.05431.

Options that bottlenecks share: `stride_on` names the convolution that has the stride, the first 1x1 (the paper,
Gluon's v1) or the 3x3 (v1b, torchvision and most later work); `groups` and `base_width` make the 3x3 convolution that
of ResNeXt, with `groups` groups of `channels * base_width / 64` channels each.
"""

from __future__ import annotations

from typing import Literal

from ..network.tensor import Tensor
from ..ops import conv, norm, relu
from .registry import block
from .shortcuts import Shortcut
from .squeeze_excite import GateLayer, gated

StrideOn = Literal["1x1", "3x3"]


def _bottleneck_branch(
    x: Tensor,
    channels: int,
    stride: int,
    stride_on: StrideOn,
    bias: bool | Literal["1x1"],
    groups: int = 1,
    base_width: int = 64,
) -> Tensor:
    first, second = (stride, 1) if stride_on == "1x1" else (1, stride)
    width = channels * base_width // 64 * groups
    y = relu(norm(conv(x, width, 1, first, bias=bool(bias))))
    y = relu(norm(conv(y, width, 3, second, groups=groups, bias=bias is True)))
    return norm(conv(y, channels * 4, 1, bias=bool(bias)))


@block("bottleneck", expansion=4)
def bottleneck(
    x: Tensor,
    channels: int,
    stride: int,
    shortcut: Shortcut,
    *,
    stride_on: StrideOn = "1x1",
    conv_bias: bool | Literal["1x1"] = False,
    groups: int = 1,
    base_width: int = 64,
    se: int | None = None,
    se_layer: GateLayer = "dense",
) -> Tensor:
    """1x1 down, 3x3, 1x1 up (He et al. 2015, Fig. 5 right).

    `conv_bias`: none (the paper), all, or only the 1x1 convolutions (Gluon's v1).
    """
    y = _bottleneck_branch(x, channels, stride, stride_on, conv_bias, groups, base_width)
    return relu(gated(y, se, se_layer) + shortcut(x))


@block("plain_bottleneck", expansion=4)
def plain_bottleneck(
    x: Tensor,
    channels: int,
    stride: int,
    shortcut: Shortcut,
    *,
    stride_on: StrideOn = "1x1",
    conv_bias: bool | Literal["1x1"] = False,
) -> Tensor:
    """`bottleneck` without its shortcut."""
    return relu(_bottleneck_branch(x, channels, stride, stride_on, conv_bias))
