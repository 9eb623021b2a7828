"""Squeeze-excite: a gate that scales each channel of a residual branch before the sum."""

from __future__ import annotations

from typing import Literal

from ..network.tensor import Tensor
from ..ops import conv, dense, global_avg_pool, relu, scope, sigmoid

GateLayer = Literal["dense", "conv"]


def squeeze_excite(x: Tensor, reduction: int, layer: GateLayer = "dense") -> Tensor:
    """Multiply each channel by a gate, computed from the means of all channels (Hu et al. 2018, arXiv 1709.01507).

    Args:
        x: a feature map, CxHxW.
        reduction: the gate's hidden layer has C // reduction features.
        layer: `dense` for dense layers without bias (Gluon's se_resnet), `conv` for 1x1 convolutions with bias (the
            authors' nets, Gluon's se_resnext, timm).

    Returns:
        A feature map of the same shape.

    Raises:
        GraphError: C // reduction is 0.
    """
    with scope(x, "se"):
        squeezed, width = global_avg_pool(x), x.channels // reduction
        if layer == "dense":
            gate = sigmoid(dense(relu(dense(squeezed, width, bias=False)), x.channels, bias=False))
        else:
            gate = sigmoid(conv(relu(conv(squeezed, width, 1, bias=True)), x.channels, 1, bias=True))
    return x * gate


def gated(x: Tensor, reduction: int | None, layer: GateLayer = "dense") -> Tensor:
    """Apply `squeeze_excite`, or nothing where `reduction` is None; for the block option `se`."""
    return x if reduction is None else squeeze_excite(x, reduction, layer)
