"""Cutting and normalising whole batches of pixels, with the same bits on every machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..formats.decode import Box

Made = tuple[NDArray[np.float32], NDArray[Any], tuple[str, ...]]
"""A batch: images, labels, and the names of damaged pictures that were left out."""

_IN_CACHE = 150_000
"""How many values are normalised in one step, so that they fit into a processor's cache."""


def viewed(images: NDArray[np.uint8], views: list[Box]) -> NDArray[np.uint8]:
    """Cut a part out of each image, and resize it to the size of the whole image (Pillow, bilinear)."""
    from PIL import Image

    _, _, height, width = images.shape
    out = np.empty_like(images)
    for image, view, target in zip(images, views, out, strict=True):
        part = view(width, height)
        for plane, shown in zip(image, target, strict=True):
            resized = Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR, box=part)
            shown[:] = np.asarray(resized)
    return out


class Normalise:
    """Normalise uint8 images to float32: (value / 255 - mean) / std for each channel, by a table of the 256 levels.

    If the `fast` decoder has loaded OpenCV, OpenCV looks the values up, which is the fastest method. Otherwise the
    values are computed in float64 and rounded, as those of the table were, which is two to three times as fast as
    looking them up with NumPy. If a computed value differs from the table, NumPy looks the values up.

    Args:
        mean, std: mean and standard deviation of each channel, on the scale 0 to 1.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        levels = np.arange(256) / 255
        self.tables = np.stack([((levels - m) / s).astype(np.float32) for m, s in zip(mean, std, strict=True)])
        self._scale = np.array([1 / (255 * s) for s in std])[:, None, None]
        self._shift = np.array([m / s for m, s in zip(mean, std, strict=True)])[:, None, None]
        every = np.broadcast_to(np.arange(256, dtype=np.uint8), (1, len(self.tables), 1, 256))
        self._computed = np.array_equal(self._compute(every, np.empty(every.shape, np.float32))[0, :, 0], self.tables)

    def __call__(self, images: NDArray[np.uint8], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Normalise images (batch, C, H, W); the result has the same shape and is written to `out` if that is given."""
        out = np.empty(images.shape, np.float32) if out is None else out
        cv2 = sys.modules.get("cv2")
        if cv2 is not None and len(images):
            planes, targets = (array.reshape(*array.shape[:2], -1) for array in (images, out))
            for channel, table in enumerate(self.tables):
                cv2.LUT(planes[:, channel], table, dst=targets[:, channel])
            return out
        if self._computed:
            return self._compute(images, out)
        for channel, table in enumerate(self.tables):
            np.take(table, images[:, channel], out=out[:, channel], mode="clip")
        return out

    def _compute(self, images: NDArray[np.uint8], out: NDArray[np.float32]) -> NDArray[np.float32]:
        few = max(1, _IN_CACHE // max(1, int(np.prod(images.shape[1:]))))
        for start in range(0, len(images), few):
            part = slice(start, start + few)
            np.subtract(images[part] * self._scale, self._shift, out=out[part], casting="same_kind")
        return out
