"""From a JPEG (or another picture) to pixels of a given size: which part of it is shown, decoded no larger than needed.

Pillow decodes everywhere. The `fast` decoder, where an experiment asks for it, decodes with simplejpeg
(libjpeg-turbo, the same pixels) and resizes with OpenCV, several times as fast, by plain bilinear
interpolation, which smooths less where it shrinks: other pixels, so another experiment.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...base.errors import LabError

Decoder = Literal["pillow", "fast"]

Content = bytes | memoryview

Box = Callable[[int, int], tuple[float, float, float, float]]
"""From a picture's width and height, the part that is shown: left, top, right, bottom, in pixels."""

_BILINEAR = 1
"""OpenCV's INTER_LINEAR."""


class Undecodable(LabError):
    """A picture is damaged, or none."""


def central(width: int, height: int, share: float = 1.0) -> tuple[float, float, float, float]:
    """The square in the middle whose side is this share of the shorter one.

    With 224/256 that is what "the shorter side to 256, then the central 224" shows.
    """
    side = min(width, height) * share
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def by_pillow(content: Content, box: Box | None, out: NDArray[np.uint8]) -> None:
    """Decode, cut and resize one picture with Pillow.

    Args:
        content: a file's bytes.
        box: which part of it is shown; the central square where None.
        out: uint8 (size, size, 3), written to.

    Raises:
        Undecodable: says why.
    """
    from PIL import Image

    size = len(out)
    try:
        with Image.open(io.BytesIO(content)) as image:
            width, height = image.size
            part = (box or central)(width, height)
            factor = _reduction(part, size)
            if factor > 1:
                image.draft("RGB", (width // factor, height // factor))
            rgb = image if image.mode == "RGB" else image.convert("RGB")
            if rgb.size != (size, size) or part != (0, 0, width, height):
                x, y = rgb.size[0] / width, rgb.size[1] / height
                scaled = (part[0] * x, part[1] * y, min(part[2] * x, rgb.size[0]), min(part[3] * y, rgb.size[1]))
                rgb = rgb.resize((size, size), Image.Resampling.BILINEAR, box=scaled)
            out[:] = np.asarray(rgb)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Undecodable(_told(error)) from None


def _told(error: Exception) -> str:
    """Without the address of the buffer that Pillow's message has."""
    return "it is no picture" if "cannot identify" in str(error) else str(error)


def fast(content: Content, box: Box | None, out: NDArray[np.uint8]) -> None:
    """The same with simplejpeg and OpenCV; what is no JPEG, or a damaged one, is left to Pillow.

    Raises:
        Undecodable: as Pillow says.
    """
    simplejpeg, cv2 = _libraries()
    size = len(out)
    try:
        # A picture that is just as large as it should be goes straight into place; a larger one has no room there.
        if box is None and _fits(simplejpeg, content, out):
            return
        height, width, _, _ = simplejpeg.decode_jpeg_header(content)
        part = (box or central)(width, height)
        factor = _reduction(part, size)
        image = simplejpeg.decode_jpeg(content, "RGB", False, False, -(-height // factor), -(-width // factor), factor)
    except ValueError:
        by_pillow(content, box, out)
        return
    y, x = image.shape[0] / height, image.shape[1] / width
    left, top = int(part[0] * x + 0.5), int(part[1] * y + 0.5)
    right, bottom = max(int(part[2] * x + 0.5), left + 1), max(int(part[3] * y + 0.5), top + 1)
    cv2.resize(image[top:bottom, left:right], (size, size), dst=out, interpolation=_BILINEAR)


def _fits(simplejpeg: Any, content: Content, out: NDArray[np.uint8]) -> bool:
    try:
        shape: tuple[int, ...] = simplejpeg.decode_jpeg(content, buffer=out).shape
    except ValueError:
        return False
    return shape == out.shape


DECODERS: dict[Decoder, Callable[[Content, Box | None, NDArray[np.uint8]], None]] = {"pillow": by_pillow, "fast": fast}


@cache
def _libraries() -> tuple[Any, Any]:
    """simplejpeg and OpenCV, which is kept to one thread: workers share the cores out."""
    import cv2
    import simplejpeg

    cv2.setNumThreads(0)
    return simplejpeg, cv2


def check_decoder(name: Decoder) -> None:
    """See that a decoder is installed.

    Raises:
        LabError: it is not.
    """
    if name == "fast":
        try:
            _libraries()
        except ImportError as error:
            raise LabError(
                f"the decoder 'fast' cannot be used ({error}): pip install 'resnet-lab[fast]', "
                "or leave 'decoder' out for Pillow"
            ) from None


def _reduction(part: tuple[float, float, float, float], size: int) -> int:
    """How much smaller a JPEG may be decoded, 1, 2, 4 or 8, so that the part still has `size` pixels."""
    factor = int(min(part[2] - part[0], part[3] - part[1])) // size
    return 1 << min(3, factor.bit_length() - 1) if factor > 1 else 1
