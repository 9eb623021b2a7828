"""`random_resized_crop`: a crop of random area and shape (Szegedy et al. 2015)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from ...specs.augment import augmentation
from ..formats.decode import Box
from .contract import Augmentation, Draw


def rising(pair: tuple[Any, Any]) -> tuple[Any, Any]:
    """The pair itself. Raises ValueError: its first number is above its second."""
    if pair[0] > pair[1]:
        raise ValueError(f"the first of {list(pair)} is the least, the second the largest")
    return pair


Area = Annotated[float, Field(gt=0, le=1)]


@augmentation(
    "random_resized_crop",
    setting=Annotated[tuple[Area, Area], AfterValidator(rising)],
    bare=(0.08, 1.0),
    once="draw a crop",
)
class RandomResizedCrop(Augmentation):
    """A crop whose area is a random share of the picture's and whose sides have a ratio between 3:4 and 4:3.

    Setting: `[least, largest]` share of the area.
    """

    stream = 3

    def views(self, draw: Draw, count: int, size: int) -> list[Box]:
        # Python computes faster with its own floats than with NumPy's, and gives the same bits.
        return [random_resized(row, self.setting) for row in draw.stream(self.stream).random((count, 22)).tolist()]


def random_resized(numbers: Sequence[float], scale: tuple[float, float]) -> Box:
    """A part of random area and shape; ten crops are tried, and the middle is taken where none fits.

    Args:
        numbers: 22 numbers in [0, 1): the area and the ratio of each try, then the place.
        scale: the least and the largest share of the picture's area.
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
