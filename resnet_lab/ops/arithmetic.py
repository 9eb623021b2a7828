"""Sums and products of tensors, and learnt factors."""

from __future__ import annotations

from ..network.graph import Parameter, show
from ..network.tensor import Tensor
from .define import emit, op, refuse


@op
def add(x: Tensor, y: Tensor, *, name: str | None = None) -> Tensor:
    """Sum of two tensors of one shape, element by element; also written x + y.

    Raises:
        GraphError: The shapes differ.
    """
    if x.shape != y.shape:
        refuse(
            x, "add", name, f"cannot add {show(x.shape)} (from {x.node.name}) and {show(y.shape)} (from {y.node.name})"
        )
    return emit("add", x, y, output=x.shape, name=name)


@op
def multiply(x: Tensor, gate: Tensor, *, name: str | None = None) -> Tensor:
    """Product of two tensors, element by element; also written x * gate.

    Args:
        x: a feature map or a vector.
        gate: a tensor of the same shape, or one number for each channel, (C,) or Cx1x1.
        name: the layer's name.

    Raises:
        GraphError: The shapes do not fit.
    """
    if gate.shape not in (x.shape, x.shape[:1], (x.shape[0], 1, 1)):
        refuse(
            x,
            "multiply",
            name,
            f"cannot multiply {show(x.shape)} (from {x.node.name}) by {show(gate.shape)} (from {gate.node.name})",
        )
    return emit("multiply", x, gate, output=x.shape, name=name, broadcast=gate.shape != x.shape)


@op
def layer_scale(x: Tensor, value: float = 1e-5, *, name: str | None = None) -> Tensor:
    """x times a learnt factor for each channel (Touvron et al. 2021, CaiT).

    Args:
        x: a feature map or a vector.
        value: where each factor starts.
        name: the layer's name.
    """
    return emit("layer_scale", x, output=x.shape, name=name, params={"scale": Parameter(x.shape[:1], float(value))})
