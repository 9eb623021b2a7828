"""Activations: functions of each element."""

from __future__ import annotations

from ..network.graph import Parameter
from ..network.replicas import replicates, widened
from ..network.tensor import Tensor
from .define import emit, op


@op
def relu(x: Tensor, *, name: str | None = None) -> Tensor:
    """max(x, 0)."""
    return emit("relu", x, output=x.shape, name=name)


@op
def relu6(x: Tensor, *, name: str | None = None) -> Tensor:
    """min(max(x, 0), 6)."""
    return emit("relu6", x, output=x.shape, name=name)


@op
def gelu(x: Tensor, *, name: str | None = None) -> Tensor:
    """x times the normal distribution function of x, in the exact form with erf (Hendrycks and Gimpel 2016)."""
    return emit("gelu", x, output=x.shape, name=name)


@op
def silu(x: Tensor, *, name: str | None = None) -> Tensor:
    """x * sigmoid(x), also called swish."""
    return emit("silu", x, output=x.shape, name=name)


@op
def hard_swish(x: Tensor, *, name: str | None = None) -> Tensor:
    """x * relu6(x + 3) / 6 (Howard et al. 2019)."""
    return emit("hard_swish", x, output=x.shape, name=name)


@op
def sigmoid(x: Tensor, *, name: str | None = None) -> Tensor:
    """1 / (1 + exp(-x))."""
    return emit("sigmoid", x, output=x.shape, name=name)


@op
def tanh(x: Tensor, *, name: str | None = None) -> Tensor:
    """The hyperbolic tangent, 2 * sigmoid(2 * x) - 1."""
    return emit("tanh", x, output=x.shape, name=name)


@op
def prelu(x: Tensor, value: float = 0.25, *, name: str | None = None) -> Tensor:
    """max(x, 0) + slope * min(x, 0), with a learnt slope for each channel (He et al. 2015b).

    Args:
        x: a feature map or a vector.
        value: where each slope starts.
        name: the layer's name.
    """
    return emit("prelu", x, output=x.shape, name=name, params={"slope": Parameter(x.shape[:1], float(value))})


replicates("relu", "relu6", "gelu", "silu", "hard_swish", "sigmoid", "tanh", "prelu")(widened)
