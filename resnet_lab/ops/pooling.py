"""Pooling: the maximum or the mean over windows, or over a whole feature map."""

from __future__ import annotations

from ..network.graph import GraphError, Shape
from ..network.replicas import replicates, widened
from ..network.tensor import Tensor
from ..network.window import Size, check_pool_padding
from .define import check_map, emit, op, refuse, window


@op
def max_pool(
    x: Tensor, kernel: Size, stride: int = 1, *, padding: Size | None = None, name: str | None = None
) -> Tensor:
    """Maximum over a sliding window; padding never wins.

    Args:
        x: a feature map.
        kernel: height and width of the window; one number for both.
        stride: pixels from one place of the window to the next.
        padding: pixels added on each side; half the kernel where None.
        name: the layer's name.

    Raises:
        GraphError: An even kernel shifts the grid, the window leaves nothing, or a window sees only padding.
    """
    kernels, pads, extents = window(x, "max_pool", name, kernel, stride, padding)
    _check_padding(x, "max_pool", name, kernels, pads)
    return emit(
        "max_pool", x, output=(x.channels, *extents), name=name, kernel=list(kernels), stride=stride, padding=list(pads)
    )


@op
def avg_pool(
    x: Tensor,
    kernel: Size,
    stride: int = 1,
    *,
    padding: Size | None = None,
    ceil: bool = False,
    count_padding: bool = False,
    name: str | None = None,
) -> Tensor:
    """Mean over a sliding window.

    Args:
        x: a feature map.
        kernel: height and width of the window; one number for both.
        stride: pixels from one place of the window to the next.
        padding: zeros added on each side; half the kernel where None.
        ceil: whether the last window may reach beyond the map.
        count_padding: whether a window is divided by its whole area, or by the part of it that lies on the map.
        name: the layer's name.

    Raises:
        GraphError: as `max_pool`.
    """
    kernels, pads, extents = window(x, "avg_pool", name, kernel, stride, padding, ceil=ceil)
    _check_padding(x, "avg_pool", name, kernels, pads)
    return emit(
        "avg_pool",
        x,
        output=(x.channels, *extents),
        name=name,
        kernel=list(kernels),
        stride=stride,
        padding=list(pads),
        ceil=ceil,
        count_padding=count_padding,
    )


@op
def global_avg_pool(x: Tensor, *, name: str | None = None) -> Tensor:
    """Mean over all positions, from CxHxW to Cx1x1.

    Raises:
        GraphError: `x` is not a feature map.
    """
    return emit("global_avg_pool", x, output=(check_map(x, "global_avg_pool", name)[0], 1, 1), name=name)


def _check_padding(x: Tensor, kind: str, name: str | None, kernels: Shape, pads: Shape) -> None:
    try:
        check_pool_padding(kernels, pads)
    except GraphError as error:
        refuse(x, kind, name, error.message)


replicates("max_pool", "avg_pool", "global_avg_pool")(widened)
