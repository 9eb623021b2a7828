"""`fast`: simplejpeg decodes (libjpeg-turbo, the same pixels as Pillow's) and OpenCV resizes, several times as fast.

OpenCV's bilinear interpolation reads only four pixels, so it smooths less than Pillow when it shrinks a picture. The
pixels differ, and therefore the decoder is part of a trial's id.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....base.errors import LabError
from ..decode import Box, Content, central, decoder, reduction
from .pillow import by_pillow

_BILINEAR = 1
"""OpenCV's INTER_LINEAR."""


def check() -> None:
    """Raises LabError: simplejpeg or OpenCV is not installed."""
    try:
        _libraries()
    except ImportError as error:
        raise LabError(
            f"the decoder 'fast' cannot be used ({error}): pip install 'resnet-lab[fast]', or set 'decoder: pillow'"
        ) from None


@decoder("fast", check=check)
def fast(content: Content, box: Box | None, out: NDArray[np.uint8]) -> None:
    """Decode with simplejpeg and resize with OpenCV; Pillow decodes damaged JPEGs and all other formats."""
    simplejpeg, cv2 = _libraries()
    size = len(out)
    try:
        # A picture of exactly the right size is decoded directly into the output; simplejpeg refuses a larger picture.
        if box is None and _fits(simplejpeg, content, out):
            return
        height, width, _, _ = simplejpeg.decode_jpeg_header(content)
        part = (box or central)(width, height)
        factor = reduction(part, size)
        image = simplejpeg.decode_jpeg(content, "RGB", False, False, -(-height // factor), -(-width // factor), factor)
    except ValueError:
        by_pillow(content, box, out)
        return
    y, x = image.shape[0] / height, image.shape[1] / width
    left, top = int(part[0] * x + 0.5), int(part[1] * y + 0.5)
    right, bottom = max(int(part[2] * x + 0.5), left + 1), max(int(part[3] * y + 0.5), top + 1)
    cv2.resize(image[top:bottom, left:right], (size, size), dst=out, interpolation=_BILINEAR)


def _fits(simplejpeg: Any, content: Content, out: NDArray[np.uint8]) -> bool:
    """Decode a picture into `out`, and return whether it has exactly the size of `out`."""
    try:
        shape: tuple[int, ...] = simplejpeg.decode_jpeg(content, buffer=out).shape
    except ValueError:
        return False
    return shape == out.shape


@cache
def _libraries() -> tuple[Any, Any]:
    """Import simplejpeg and OpenCV; OpenCV is limited to one thread, since the workers share the cores."""
    import cv2
    import simplejpeg

    cv2.setNumThreads(0)
    return simplejpeg, cv2
