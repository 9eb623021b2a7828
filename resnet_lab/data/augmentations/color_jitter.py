"""`color_jitter`: random changes of brightness, contrast and saturation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...specs.augment import augmentation
from .contract import Augmentation, Draw, through_pillow

if TYPE_CHECKING:
    from PIL.Image import Image


@augmentation("color_jitter", setting=Annotated[float, Field(gt=0, le=1)], bare=0.4)
class ColorJitter(Augmentation):
    """Brightness, contrast and saturation are each multiplied by a factor from 1 - S to 1 + S.

    Setting: S, above 0 and at most 1. Grey pictures have no saturation.
    """

    order = 4
    stream = 5

    def pixels(self, images: NDArray[np.uint8], draw: Draw) -> NDArray[np.uint8]:
        for image, row in zip(images, self.factors(draw, len(images)), strict=True):
            through_pillow(image, lambda picture, row=row: _jittered(picture, row))
        return images

    def factors(self, draw: Draw, count: int) -> NDArray[np.float64]:
        """For each of `count` pictures the factors of brightness, contrast and saturation: (count, 3)."""
        return 1 + float(self.setting) * (2 * draw.stream(self.stream).random((count, 3)) - 1)


def _jittered(image: Image, factors: NDArray[np.float64]) -> Image:
    from PIL import ImageEnhance

    brightness, contrast, saturation = (float(factor) for factor in factors)
    image = ImageEnhance.Brightness(image).enhance(brightness)
    image = ImageEnhance.Contrast(image).enhance(contrast)
    return ImageEnhance.Color(image).enhance(saturation) if image.mode == "RGB" else image
