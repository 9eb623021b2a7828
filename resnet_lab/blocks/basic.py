"""The basic block: two 3x3 convolutions, with its shortcut and without.

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
    """Two 3x3 convolutions (He et al. 2015, Fig. 5 left)."""
    y = gated(_basic_branch(x, channels, stride, conv_bias), se, se_layer)
    return relu(y + shortcut(x))


@block("plain_basic")
def plain_basic(x: Tensor, channels: int, stride: int, shortcut: Shortcut, *, conv_bias: bool = False) -> Tensor:
    """`basic` without its shortcut: the plain nets of He et al. 2015, Fig. 3 middle."""
    return relu(_basic_branch(x, channels, stride, conv_bias))
