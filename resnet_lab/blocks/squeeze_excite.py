"""Gates: what weights a residual branch before its sum."""

from __future__ import annotations

from typing import Literal

from ..network.tensor import Tensor
from ..ops import conv, dense, global_avg_pool, relu, scope, sigmoid

GateLayer = Literal["dense", "conv"]


def squeeze_excite(x: Tensor, reduction: int, layer: GateLayer = "dense") -> Tensor:
    """`x` weighted channel by channel (Hu et al. 2018, arXiv 1709.01507).

    Args:
        x: a feature map, CxHxW.
        reduction: the narrow layer has C // reduction features.
        layer: `dense`: without bias (Gluon's se_resnet); `conv`: 1x1 convolutions with bias (the
            authors' nets, Gluon's se_resnext, timm).

    Raises:
        GraphError: the reduction leaves no feature.
    """
    with scope(x, "se"):
        squeezed, width = global_avg_pool(x), x.channels // reduction
        if layer == "dense":
            gate = sigmoid(dense(relu(dense(squeezed, width, bias=False)), x.channels, bias=False))
        else:
            gate = sigmoid(conv(relu(conv(squeezed, width, 1, bias=True)), x.channels, 1, bias=True))
    return x * gate


def gated(x: Tensor, reduction: int | None, layer: GateLayer = "dense") -> Tensor:
    """`squeeze_excite`, or `x` as it is where the reduction is None: the block option `se`."""
    return x if reduction is None else squeeze_excite(x, reduction, layer)
