"""`resize` and `random_resized_crop` on the device: Pillow's bilinear resizing of a part of each image, bit for bit."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ....data.augmentations.contract import Augmentation, Draw
from .chunk import Chunk

_BITS = 22
"""The binary digits behind the point of Pillow's weights."""

_TAPS = 3
"""The most pixels in a row that a new pixel depends on, as a part is never larger than the image that it becomes."""


class Views:
    """Cuts a part out of each image and resizes it to the size of the whole image."""

    def __init__(self, own: Augmentation, shape: tuple[int, int, int], device: torch.device) -> None:
        self._own = own
        _, self._height, self._width = shape

    def __call__(self, images: torch.Tensor, chunk: Chunk) -> torch.Tensor:
        """Change uint8 images (count, C, H, W)."""
        left, top, right, bottom = chunk.send(chunk.drawn(self._boxes).T)
        # Pillow rounds to whole grey levels between the two directions.
        return _resized(_resized(images, left, right, 3), top, bottom, 2)

    def _boxes(self, draw: Draw, count: int) -> NDArray[np.float32]:
        """For each image the left, upper, right and lower edge of its part, in pixels: (count, 4)."""
        views = self._own.views(draw, count, self._height)
        return np.array([view(self._width, self._height) for view in views], np.float32)


def _resized(images: torch.Tensor, begin: torch.Tensor, end: torch.Tensor, axis: int) -> torch.Tensor:
    """Resize the part from `begin` to `end` of each image along an axis to the whole length.

    Args:
        images: uint8 (count, C, H, W).
        begin, end: float32 (count,), in pixels.
        axis: 2 for the height, 3 for the width.
    """
    places, weights = _weights(begin, end, images.shape[axis])
    total = torch.full((), 1 << (_BITS - 1), dtype=torch.int32, device=images.device)
    for tap in range(_TAPS):
        place, weight = (array[..., tap].unflatten(0, (-1, 1, 1)) for array in (places, weights))
        if axis == 2:
            place, weight = place.transpose(2, 3), weight.transpose(2, 3)
        total = total + images.gather(axis, place.expand(images.shape)) * weight
    return (total >> _BITS).clamp_(0, 255).to(torch.uint8)


def _weights(begin: torch.Tensor, end: torch.Tensor, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The pixels that each new pixel depends on, and their weights, as Pillow computes them (`precompute_coeffs`).

    Returns:
        places, int64 (count, size, taps), and weights, int32 of the same shape, in units of 2 ** -22.
    """
    extent = (end - begin).double()
    scale = extent / torch.full_like(extent, size)  # a GPU would multiply by 1 / size if it were given the number alone
    pixels = torch.arange(size, device=begin.device)
    centre = begin.double()[:, None] + (pixels + 0.5).double() * scale[:, None]
    first = (centre - 1 + 0.5).long().clamp_(min=0)
    behind = (centre + 1 + 0.5).long().clamp_(max=size)
    places = first[..., None] + torch.arange(_TAPS, device=begin.device)
    distance = (places - centre[..., None] + 0.5).abs_()
    weights = torch.where((distance < 1) & (places < behind[..., None]), 1 - distance, 0)
    total = weights[..., 0] + weights[..., 1] + weights[..., 2]
    fixed = (0.5 + weights / total[..., None] * (1 << _BITS)).int()
    return places.clamp_(max=size - 1), fixed
