"""Normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..network.graph import Node, Parameter
from ..network.replicas import Stack, apart, replicates, widened
from ..network.tensor import Tensor
from .define import check_map, emit, op, refuse


@op
def norm(
    x: Tensor,
    kind: Literal["batch", "layer", "group"] = "batch",
    *,
    groups: int = 32,
    scale: bool = True,
    center: bool = True,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    name: str | None = None,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon), then times a learnt scale plus a learnt offset.

    Args:
        x: a feature map.
        kind: what mean and variance are taken over: each channel of the whole batch (`batch`, Ioffe and Szegedy
            2015), the channels at each position (`layer`, Ba et al. 2016), or each group of channels of an image
            (`group`, Wu and He 2018).
        groups: the number of groups of the kind `group`.
        scale: whether each channel has a learnt scale, which starts at 1.
        center: whether each channel has a learnt offset, which starts at 0.
        epsilon: a small number that keeps the quotient finite.
        momentum: the share of its old value that a running statistic keeps at each step; 0.9 is PyTorch's 0.1.
        name: the layer's name.

    Raises:
        GraphError: The kind is unknown, `x` is not a feature map, or `groups` does not divide its channels.
    """
    check_map(x, "norm", name)
    if kind not in ("batch", "layer", "group"):
        refuse(x, "norm", name, f"the kind is batch, layer or group, not '{kind}'")
    if kind == "group" and x.channels % groups:
        refuse(x, "norm", name, f"{groups} groups do not divide {x.channels} channels")
    shape = (x.channels,)
    params = {}
    if scale:
        params["scale"] = Parameter(shape, 1.0)
    if center:
        params["bias"] = Parameter(shape, 0.0)
    if kind == "batch":
        params["running_mean"] = Parameter(shape, 0.0, trained=False)
        params["running_var"] = Parameter(shape, 1.0, trained=False)
    return emit(
        "norm",
        x,
        output=x.shape,
        name=name,
        params=params,
        kind=kind,
        groups=groups if kind == "group" else 1,
        scale=scale,
        center=center,
        epsilon=epsilon,
        momentum=momentum,
    )


@replicates("norm")
def _norm_replicas(stack: Stack, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """A layer norm has statistics for each position, so that it is no group norm with a group for each replica."""
    if node.attrs["kind"] == "layer":
        return apart(stack, node, inputs)
    groups = stack.count * node.attrs["groups"] if node.attrs["kind"] == "group" else 1
    return widened(stack, node, inputs, groups=groups)
