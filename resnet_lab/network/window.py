"""The sliding window of convolutions and pools: how it pads, and how many places it stops at.

Shapes in, shapes out; the ops put the name of the layer before a message of this module.
"""

from __future__ import annotations

from .graph import GraphError, Shape, show

Size = int | tuple[int, int]
"""An extent for both directions, or (height, width)."""


def slide(
    shape: Shape, kernel: Size, stride: int, padding: Size | None, dilation: int = 1, ceil: bool = False
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Kernel, padding and output extent of a window over a feature map.

    Without a padding, an odd kernel gets half of itself on every side, and windows that tile the
    map (even kernel, stride equal to it) get none. Any other even kernel would shift the grid.

    Args:
        shape: the map, (channels, height, width).
        ceil: let a last window hang over the edge.

    Returns:
        three times (height, width).

    Raises:
        GraphError: a number below its least, an even kernel that shifts the grid, or nothing is left.
    """
    kernels = _pair(kernel)
    if min(*kernels, stride, dilation) < 1:
        raise GraphError(f"kernel {kernel}, stride {stride} and dilation {dilation} must be at least 1")
    pads = _half(kernels, stride, dilation) if padding is None else _pair(padding)
    if min(pads) < 0:
        raise GraphError(f"padding {padding} is negative")
    extents = []
    for size, extent, pad in zip(shape[1:], kernels, pads, strict=True):
        room = size + 2 * pad - dilation * (extent - 1) - 1
        extents.append(-(-room // stride) + 1 if ceil and room >= 0 else room // stride + 1)
    if min(extents) < 1:
        raise GraphError(
            f"nothing is left: kernel {show(kernels)}, stride {stride} and padding {show(pads)} "
            f"make {show((shape[0], *extents))} of {show(shape)}"
        )
    return kernels, pads, (extents[0], extents[1])


def check_pool_padding(kernels: Shape, pads: Shape) -> None:
    """See that every window of a pool sees something of the map.

    Raises:
        GraphError: one would not.
    """
    if any(2 * pad > kernel for kernel, pad in zip(kernels, pads, strict=True)):
        raise GraphError(
            f"padding {show(pads)} is more than half the kernel {show(kernels)}: "
            "some windows would see nothing of the map"
        )


def _pair(size: Size) -> tuple[int, int]:
    return (size[0], size[1]) if isinstance(size, (tuple, list)) else (size, size)


def _half(kernels: tuple[int, int], stride: int, dilation: int) -> tuple[int, int]:
    for extent in kernels:
        if extent % 2 == 0 and extent != stride:
            raise GraphError(
                f"the even kernel {extent} at stride {stride} shifts the grid by half a pixel; "
                "use an odd kernel, or say which padding you mean"
            )
    height, width = (0 if extent % 2 == 0 else dilation * (extent - 1) // 2 for extent in kernels)
    return height, width
