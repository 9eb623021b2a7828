"""Sums, differences and products: of tensors, with numbers, and with learnt factors."""

from __future__ import annotations

from collections.abc import Sequence

from ..network.graph import Node, Parameter, Shape, show
from ..network.replicas import Stack, apart, replicates, widened
from ..network.tensor import Tensor
from .define import check_number, emit, op, refuse


@op
def add(x: Tensor, y: Tensor, *, name: str | None = None) -> Tensor:
    """Sum of two tensors of one shape, element by element; also written x + y.

    Raises:
        GraphError: The shapes differ.
    """
    _check_one_shape(x, y, "add", name)
    return emit("add", x, y, output=x.shape, name=name)


@op
def subtract(x: Tensor, y: Tensor, *, name: str | None = None) -> Tensor:
    """Difference of two tensors of one shape, element by element; also written x - y.

    Raises:
        GraphError: The shapes differ.
    """
    _check_one_shape(x, y, "subtract", name)
    return emit("subtract", x, y, output=x.shape, name=name)


@op
def affine(x: Tensor, factor: float = 1.0, offset: float = 0.0, *, name: str | None = None) -> Tensor:
    """factor * x + offset with two fixed numbers; also written 0.5 * x, x / 2, x + 1, 1 - x or -x.

    Args:
        x: a feature map or a vector.
        factor: what each element is multiplied by.
        offset: what is then added to each element.
        name: the layer's name.

    Returns:
        A tensor of the same shape. Where the factor is 1 and the offset 0, this is `x` itself, so that Python's
        `sum(tensors)`, which starts from 0, adds no node for the 0.

    Raises:
        GraphError: The factor or the offset is not a finite number.
    """
    check_number(x, "affine", name, factor=factor, offset=offset)
    if factor == 1 and offset == 0:
        return x
    return emit("affine", x, output=x.shape, name=name, factor=float(factor), offset=float(offset))


@op
def multiply(x: Tensor, gate: Tensor, *, name: str | None = None) -> Tensor:
    """Product of two tensors, element by element; also written x * gate.

    Args:
        x: a feature map or a vector.
        gate: a tensor of the same shape, one number for each channel, (C,) or Cx1x1, or one number for each position,
            1xHxW.
        name: the layer's name.

    Raises:
        GraphError: The shapes do not fit.
    """
    broadcast: bool | str
    if gate.shape == x.shape:
        broadcast = False
    elif gate.shape in (x.shape[:1], (x.channels, 1, 1)):
        broadcast = True  # and not "channels", so that networks of earlier versions keep their digests
    elif len(x.shape) == 3 and gate.shape == (1, *x.shape[1:]):
        broadcast = "positions"
    else:
        refuse(
            x,
            "multiply",
            name,
            f"cannot multiply {show(x.shape)} (from {x.node.name}) by {show(gate.shape)} (from {gate.node.name}): "
            f"a gate has {' or '.join(show(shape) for shape in _gate_shapes(x))}",
        )
    return emit("multiply", x, gate, output=x.shape, name=name, broadcast=broadcast)


@op
def layer_scale(x: Tensor, value: float = 1e-5, *, name: str | None = None) -> Tensor:
    """x times a learnt factor for each channel (Touvron et al. 2021, CaiT).

    Args:
        x: a feature map or a vector.
        value: where each factor starts.
        name: the layer's name.
    """
    return emit("layer_scale", x, output=x.shape, name=name, params={"scale": Parameter(x.shape[:1], float(value))})


def _gate_shapes(x: Tensor) -> list[Shape]:
    """The shapes that `multiply` takes: that of `x`, a number for each channel, and one for each position."""
    shapes = [x.shape, x.shape[:1], (x.channels, 1, 1)]
    return list(dict.fromkeys([*shapes, (1, *x.shape[1:])] if len(x.shape) == 3 else shapes))


def _check_one_shape(x: Tensor, y: Tensor, kind: str, name: str | None) -> None:
    if x.shape != y.shape:
        shapes = f"{show(x.shape)} (from {x.node.name}) and {show(y.shape)} (from {y.node.name})"
        refuse(x, kind, name, f"cannot {kind} {shapes}")


replicates("add", "subtract", "affine", "layer_scale")(widened)


@replicates("multiply")
def _multiply_replicas(stack: Stack, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """Each replica has its own gate of positions, which fits the channels of this replica alone."""
    return (apart if node.attrs["broadcast"] == "positions" else widened)(stack, node, inputs)
