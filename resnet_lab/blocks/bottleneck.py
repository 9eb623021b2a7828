"""The bottleneck block: 1x1, 3x3 and 1x1 convolutions, with a shortcut and without.

Sources: He et al. 2015, Deep Residual Learning for Image Recognition, arXiv 1512.03385; Xie et al. 2017, Aggregated
Residual Transformations (ResNeXt), arXiv 1611.05431.
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
    """A 1x1 convolution to fewer channels, a 3x3, and a 1x1 to more (He et al. 2015, Fig. 5 right).

    Args:
        x: the block's input, CxHxW.
        channels: the width; the output has four times as many channels.
        stride: stride of one of the convolutions.
        shortcut: the block's shortcut.
        stride_on: the convolution that has the stride: the first 1x1 (the paper, Gluon's v1) or the 3x3 (v1b,
            torchvision and most later work).
        conv_bias: whether all convolutions have a bias, or only the 1x1 ones (Gluon's v1).
        groups: groups of the 3x3 convolution (ResNeXt).
        base_width: each group has `channels * base_width / 64` channels.
        se: the reduction of a squeeze-excite gate at the end of the branch; no gate where None.
        se_layer: the layers of the gate; see `squeeze_excite`.
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
    """`bottleneck` without a shortcut."""
    return relu(_bottleneck_branch(x, channels, stride, stride_on, conv_bias))
