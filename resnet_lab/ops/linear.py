"""Fully connected layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..network.graph import Node, Parameter
from ..network.replicas import Stack, replicates, widened
from ..network.tensor import Tensor
from .define import check_whole, emit, op, refuse


@op
def dense(x: Tensor, features: int, *, bias: bool = True, name: str | None = None) -> Tensor:
    """Fully connected layer from all elements of `x`, flattened, to (features,).

    Args:
        x: a feature map or a vector.
        features: length of the result.
        bias: whether a learnt offset is added to each feature.
        name: the layer's name.

    Raises:
        GraphError: `features` is not a whole number of at least 1.
    """
    check_whole(x, "dense", name, features=features)
    if features < 1:
        refuse(x, "dense", name, f"{features} features")
    size = Parameter(x.shape).size
    params = {"weight": Parameter((features, size), fan=(size, features))}
    if bias:
        params["bias"] = Parameter((features,))
    return emit("dense", x, output=(features,), name=name, params=params, macs=features * size, bias=bias)


@replicates("dense")
def _dense_replicas(stack: Stack, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """A convolution whose kernel covers the whole map, with one group for each replica."""
    channels, *extents = inputs[0].shape
    weight = replace(node.params["weight"], shape=(node.output[0], channels // stack.count, *extents))
    attrs = {"kernel": extents, "stride": 1, "padding": [0, 0], "groups": stack.count, "dilation": 1}
    as_conv = replace(
        node, op="conv", attrs={**attrs, "bias": node.attrs["bias"]}, params={**node.params, "weight": weight}
    )
    return widened(stack, as_conv, inputs)
