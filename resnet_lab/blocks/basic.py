"""The basic block: two 3x3 convolutions, with a shortcut and without.

Source: He et al. 2015, Deep Residual Learning for Image Recognition, arXiv 1512.03385.
"""

from __future__ import annotations

from ..network.tensor import Tensor
from ..ops import conv, norm, relu
from .registry import block
from .shortcuts import Shortcut
from .squeeze_excite import GateLayer, gated


def _basic_branch(x: Tensor, channels: int, stride: int, bias: bool) -> Tensor:
    y = relu(norm(conv(x, channels, 3, stride, bias=bias)))
    return norm(conv(y, channels, 3, bias=bias))


@block("basic")
def basic(
    x: Tensor,
    channels: int,
    stride: int,
    shortcut: Shortcut,
    *,
    conv_bias: bool = False,
    se: int | None = None,
    se_layer: GateLayer = "dense",
) -> Tensor:
    """Two 3x3 convolutions (He et al. 2015, Fig. 5 left).

    Args:
        x: the block's input, CxHxW.
        channels: channels of the output.
        stride: stride of the first convolution.
        shortcut: the block's shortcut.
        conv_bias: whether the convolutions have a bias.
        se: the reduction of a squeeze-excite gate at the end of the branch; no gate where None.
        se_layer: the layers of the gate; see `squeeze_excite`.
    """
    y = gated(_basic_branch(x, channels, stride, conv_bias), se, se_layer)
    return relu(y + shortcut(x))


@block("plain_basic")
def plain_basic(x: Tensor, channels: int, stride: int, shortcut: Shortcut, *, conv_bias: bool = False) -> Tensor:
    """`basic` without a shortcut: the plain nets of He et al. 2015, Fig. 3 middle."""
    return relu(_basic_branch(x, channels, stride, conv_bias))
