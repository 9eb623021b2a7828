"""The pre-activation blocks: norm and ReLU come before each convolution.

Sources: He et al. 2016, Identity Mappings in Deep Residual Networks, arXiv 1603.05027; Zagoruyko and Komodakis 2016,
Wide Residual Networks, arXiv 1605.07146 (dropout between the convolutions).
"""

from __future__ import annotations

from typing import Literal

from ..network.tensor import Tensor
from ..ops import conv, dropout, norm, relu
from .bottleneck import StrideOn
from .registry import block
from .shortcuts import Shortcut
from .squeeze_excite import GateLayer, gated


def _preact_join(x: Tensor, activated: Tensor, y: Tensor, shortcut: Shortcut, identity: str, project: str) -> Tensor:
    """Add the shortcut to the branch `y`."""
    if identity == "activated":
        return y + shortcut(activated, activated)
    return y + shortcut(x, activated if project == "activated" else x)


@block("preact_basic")
def preact_basic(
    x: Tensor,
    channels: int,
    stride: int,
    shortcut: Shortcut,
    *,
    identity: Literal["input", "activated"] = "input",
    project: Literal["input", "activated"] = "activated",
    dropout_rate: float | None = None,
    se: int | None = None,
    se_layer: GateLayer = "dense",
) -> Tensor:
    """Norm, ReLU, 3x3 convolution, twice (He et al. 2016, Fig. 1b).

    Args:
        x: the block's input, CxHxW.
        channels: channels of the output.
        stride: stride of the first convolution.
        shortcut: the block's shortcut.
        identity: what an identity shortcut carries: the block's input, or its first activation. The paper takes the
            activation in the first block of a network.
        project: what a projection takes: the first activation, or the block's input as in Gluon-CV's CIFAR nets.
        dropout_rate: rate of a dropout between the convolutions, as in wide residual networks; no dropout where None.
        se: the reduction of a squeeze-excite gate at the end of the branch; no gate where None.
        se_layer: the layers of the gate; see `squeeze_excite`.
    """
    activated = relu(norm(x))
    y = relu(norm(conv(activated, channels, 3, stride)))
    if dropout_rate is not None:
        y = dropout(y, dropout_rate)
    y = gated(conv(y, channels, 3), se, se_layer)
    return _preact_join(x, activated, y, shortcut, identity, project)


@block("preact_bottleneck", expansion=4)
def preact_bottleneck(
    x: Tensor,
    channels: int,
    stride: int,
    shortcut: Shortcut,
    *,
    stride_on: StrideOn = "1x1",
    identity: Literal["input", "activated"] = "input",
    project: Literal["input", "activated"] = "activated",
    groups: int = 1,
    base_width: int = 64,
    se: int | None = None,
    se_layer: GateLayer = "dense",
) -> Tensor:
    """Norm, ReLU, convolution, three times: 1x1, 3x3, 1x1 (He et al. 2016).

    The options are those of `preact_basic` and `bottleneck`.
    """
    first, second = (stride, 1) if stride_on == "1x1" else (1, stride)
    width = channels * base_width // 64 * groups
    activated = relu(norm(x))
    y = conv(activated, width, 1, first)
    y = conv(relu(norm(y)), width, 3, second, groups=groups)
    y = gated(conv(relu(norm(y)), channels * 4, 1), se, se_layer)
    return _preact_join(x, activated, y, shortcut, identity, project)
