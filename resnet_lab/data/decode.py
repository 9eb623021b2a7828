"""From a JPEG (or another picture) to pixels of a given size: which part of it is shown, decoded no larger than needed.

Pillow decodes everywhere. OpenCV, where an experiment asks for it, resizes several times as fast, by
plain bilinear interpolation, which smooths less where it shrinks: other pixels, so another experiment.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import LabError

Decoder = Literal["pillow", "opencv"]

Box = Callable[[int, int], tuple[float, float, float, float]]
"""From a picture's width and height, the part that is shown: left, top, right, bottom, in pixels."""

_END_OF_JPEG = b"\xff\xd9"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class Undecodable(LabError):
    """A picture is damaged, or none."""


def central(width: int, height: int, share: float = 1.0) -> tuple[float, float, float, float]:
    """The square in the middle whose side is this share of the shorter one.

    With 224/256 that is what "the shorter side to 256, then the central 224" shows.
    """
    side = min(width, height) * share
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def picture(content: bytes, box: Box, out: NDArray[np.uint8], decoder: Decoder = "pillow") -> None:
    """Decode, cut and resize one picture.

    Args:
        content: a file's bytes.
        out: uint8 (3, size, size), written to.
        decoder: `pillow` or `opencv`.

    Raises:
        Undecodable: says why.
    """
    if decoder == "opencv":
        # OpenCV fills the rest of a truncated JPEG with grey; Pillow refuses it, so it is asked.
        size = _jpeg_size(content) if content.endswith(_END_OF_JPEG) else None
        if size and _by_opencv(content, size, box, out):
            return
    _by_pillow(content, box, out)


def _by_pillow(content: bytes, box: Box, out: NDArray[np.uint8]) -> None:
    from PIL import Image

    size = out.shape[1]
    try:
        with Image.open(io.BytesIO(content)) as image:
            width, height = image.size
            part = box(width, height)
            factor = _reduction(part, size)
            if factor > 1:
                image.draft("RGB", (width // factor, height // factor))
            rgb = image if image.mode == "RGB" else image.convert("RGB")
            x, y = rgb.size[0] / width, rgb.size[1] / height
            if rgb.size != (size, size) or part != (0, 0, width, height):
                scaled = (part[0] * x, part[1] * y, min(part[2] * x, rgb.size[0]), min(part[3] * y, rgb.size[1]))
                rgb = rgb.resize((size, size), Image.Resampling.BILINEAR, box=scaled)
            out[:] = np.asarray(rgb).transpose(2, 0, 1)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Undecodable(_told(error)) from None


def _told(error: Exception) -> str:
    """Without the address of the buffer that Pillow's message has."""
    return "it is no picture" if "cannot identify" in str(error) else str(error)


def _by_opencv(content: bytes, size: tuple[int, int], box: Box, out: NDArray[np.uint8]) -> bool:
    """False where OpenCV cannot; Pillow then has the last word."""
    cv2 = _opencv()
    side = out.shape[1]
    part = box(*size)
    factor = _reduction(part, side)
    image = cv2.imdecode(np.frombuffer(content, np.uint8), _FLAGS[factor])
    if image is None or image.ndim != 3:
        return False
    height, width = image.shape[:2]
    if (width, height) != (side, side) or part != (0, 0, *size):
        x, y = width / size[0], height / size[1]
        left, top = int(part[0] * x + 0.5), int(part[1] * y + 0.5)
        right, bottom = max(int(part[2] * x + 0.5), left + 1), max(int(part[3] * y + 0.5), top + 1)
        image = cv2.resize(image[top:bottom, left:right], (side, side), interpolation=1)  # INTER_LINEAR
    out[:] = image.transpose(2, 0, 1)[::-1]  # from BGR
    return True


_FLAGS = {1: 1 | 128, 2: 17 | 128, 4: 33 | 128, 8: 65 | 128}
"""IMREAD_COLOR or IMREAD_REDUCED_COLOR_*, with IMREAD_IGNORE_ORIENTATION, as Pillow has it."""


def _opencv() -> Any:
    import cv2

    return cv2


def check_decoder(name: Decoder) -> None:
    """See that a decoder is installed; OpenCV is kept to one thread, for workers share the cores out.

    Raises:
        LabError: it is not.
    """
    if name != "opencv":
        return
    try:
        _opencv().setNumThreads(0)
    except ImportError as error:
        raise LabError(
            f"the decoder 'opencv' cannot be imported ({error}): pip install opencv-python-headless, "
            "or leave 'decoder' out for Pillow"
        ) from None


def _reduction(part: tuple[float, float, float, float], size: int) -> int:
    """How much smaller a JPEG may be decoded, 1, 2, 4 or 8, so that the part still has `size` pixels."""
    factor = int(min(part[2] - part[0], part[3] - part[1])) // size
    return 1 << min(3, max(0, factor).bit_length() - 1) if factor > 1 else 1


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Width and height from a JPEG's frame header; None where there is none."""
    place = 2
    while content[:2] == b"\xff\xd8" and place + 9 <= len(content) and content[place] == 0xFF:
        if content[place + 1] in _FRAMES:
            return int.from_bytes(content[place + 7 : place + 9], "big"), int.from_bytes(
                content[place + 5 : place + 7], "big"
            )
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return None


def random_resized(numbers: NDArray[np.float64], scale: tuple[float, float]) -> Box:
    """A part of random area and shape (Szegedy et al. 2015), as the tools do it: ten tries, else the middle.

    Args:
        numbers: (22,) in [0, 1): area and ratio of each try, then the place.
        scale: the least and the largest share of the picture's area; the ratio lies between 3/4 and 4/3.
    """

    def box(width: int, height: int) -> tuple[float, float, float, float]:
        for attempt in range(10):
            area = width * height * (scale[0] + (scale[1] - scale[0]) * numbers[2 * attempt])
            ratio = math.exp((2 * numbers[2 * attempt + 1] - 1) * math.log(4 / 3))
            w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < w <= width and 0 < h <= height:
                left, top = int(numbers[20] * (width - w + 1)), int(numbers[21] * (height - h + 1))
                return left, top, left + w, top + h
        w, h = min(width, round(height * 4 / 3)), min(height, round(width * 4 / 3))
        left, top = (width - w) // 2, (height - h) // 2
        return left, top, left + w, top + h

    return box


def scaled_crop(numbers: NDArray[np.float64], sides: tuple[int, int], size: int) -> Box:
    """A square of `size` from the picture whose shorter side has become one of `sides` (He et al. 2015, section 3.4).

    Args:
        numbers: (3,) in [0, 1): the side, and the place.
        sides: the least and the largest.
    """

    def box(width: int, height: int) -> tuple[float, float, float, float]:
        shorter = sides[0] + int(numbers[0] * (sides[1] - sides[0] + 1))
        side = min(width, height) * min(1.0, size / shorter)
        left, top = numbers[1] * (width - side), numbers[2] * (height - side)
        return left, top, left + side, top + side

    return box
