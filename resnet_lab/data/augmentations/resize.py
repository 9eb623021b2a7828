"""`resize`: a random square crop from the picture at a random scale (He et al. 2015, section 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from ...specs.augment import augmentation
from ...specs.strict import Whole
from ..formats.decode import Box
from .contract import Augmentation, Draw
from .random_resized_crop import rising


def _sides(value: object) -> object:
    """One length as the least and the largest."""
    return (value, value) if isinstance(value, int) else value


Sides = Annotated[tuple[Whole, Whole], BeforeValidator(_sides), AfterValidator(rising)]


@augmentation("resize", setting=Sides, bare=None, once="draw a crop")
class Resize(Augmentation):
    """The shorter side becomes N pixels, or a length between the two that are given; then a square crop is drawn.

    Setting: `N`, or `[least, largest]`, in pixels.
    """

    stream = 3

    def views(self, draw: Draw, count: int, size: int) -> list[Box]:
        return [scaled_crop(row, self.setting, size) for row in draw.stream(self.stream).random((count, 3)).tolist()]


def scaled_crop(numbers: Sequence[float], sides: tuple[int, int], size: int) -> Box:
    """A square of `size` pixels from the picture whose shorter side has become one of `sides`.

    Args:
        numbers: three numbers in [0, 1): they choose the length of the shorter side, then the place of the square.
        sides: the least and the largest length of the shorter side, in pixels.
    """

    def box(width: int, height: int) -> tuple[float, float, float, float]:
        shorter = sides[0] + int(numbers[0] * (sides[1] - sides[0] + 1))
        side = min(width, height) * min(1.0, size / shorter)
        left, top = numbers[1] * (width - side), numbers[2] * (height - side)
        return left, top, left + side, top + side

    return box
