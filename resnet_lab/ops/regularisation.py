"""Regularisation by chance: what training sets to zero now and then."""

from __future__ import annotations

from ..network.replicas import apart, replicates, widened
from ..network.tensor import Tensor
from .define import emit, op, refuse


@op
def dropout(x: Tensor, rate: float, *, name: str | None = None) -> Tensor:
    """In training, set each element to zero with probability `rate`, and divide the others by 1 - rate.

    Raises:
        GraphError: The rate is not at least 0 and below 1.
    """
    return emit("dropout", x, output=x.shape, name=name, rate=_check_rate(x, "dropout", name, rate))


@op
def drop_path(x: Tensor, rate: float, *, name: str | None = None) -> Tensor:
    """In training, set all of an image's `x` to zero with probability `rate`, and divide the others by 1 - rate.

    On a residual branch before its sum, this is stochastic depth (Huang et al. 2016).

    Raises:
        GraphError: The rate is not at least 0 and below 1.
    """
    return emit("drop_path", x, output=x.shape, name=name, rate=_check_rate(x, "drop_path", name, rate))


def _check_rate(x: Tensor, kind: str, name: str | None, rate: float) -> float:
    if not 0 <= rate < 1:
        refuse(x, kind, name, f"the rate is at least 0 and below 1, not {rate}")
    return float(rate)


replicates("dropout")(widened)
replicates("drop_path")(apart)  # each image of each replica is kept or dropped by a draw of its own
