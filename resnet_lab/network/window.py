"""The sliding window of convolutions and pools: its padding, and the number of its places.

The ops put the name of the layer before a message of this module.
"""

from __future__ import annotations

from .graph import GraphError, Shape, show

Size = int | tuple[int, int]
"""An extent for both directions, or (height, width)."""


def slide(
    shape: Shape, kernel: Size, stride: int, padding: Size | None, dilation: int = 1, ceil: bool = False
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Compute kernel, padding and output extent of a window over a feature map.

    Where no padding is given, an odd kernel is padded by half of itself on every side, and an even kernel that is equal
    to the stride is not padded: its windows tile the map. Any other even kernel would shift the grid by half a pixel.

    Args:
        shape: the shape of the map, (channels, height, width).
        kernel: extent of the window; one number for height and width, or both.
        stride: pixels from one place to the next.
        padding: pixels added on each side; by the rule above where None.
        dilation: pixels from one element of the kernel to the next.
        ceil: whether the last window may reach beyond the map.

    Returns:
        Kernel, padding and output extent, each as (height, width).

    Raises:
        GraphError: A number is too small, an even kernel shifts the grid, or no place is left for the window.
    """
    kernels = _pair(kernel)
    if min(*kernels, stride, dilation) < 1:
        raise GraphError(f"kernel {kernel}, stride {stride} and dilation {dilation} must be at least 1")
    pads = _half_kernel(kernels, stride, dilation) if padding is None else _pair(padding)
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
    """Check that every window of a pool lies on the map with a part of it.

    Raises:
        GraphError: A window would lie on padding only.
    """
    if any(2 * pad > kernel for kernel, pad in zip(kernels, pads, strict=True)):
        raise GraphError(
            f"padding {show(pads)} is more than half the kernel {show(kernels)}: some windows would lie on padding only"
        )


def _pair(size: Size) -> tuple[int, int]:
    return (size[0], size[1]) if isinstance(size, (tuple, list)) else (size, size)


def _half_kernel(kernels: tuple[int, int], stride: int, dilation: int) -> tuple[int, int]:
    for extent in kernels:
        if extent % 2 == 0 and extent != stride:
            raise GraphError(
                f"the even kernel {extent} at stride {stride} shifts the grid by half a pixel; "
                "use an odd kernel, or state the padding"
            )
    height, width = (0 if extent % 2 == 0 else dilation * (extent - 1) // 2 for extent in kernels)
    return height, width
