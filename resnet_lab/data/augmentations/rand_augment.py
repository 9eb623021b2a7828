"""`rand_augment`: random operations of one strength on each picture (Cubuk et al. 2020)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...specs.augment import augmentation
from ...specs.strict import Whole
from .contract import Augmentation, Draw, through_pillow

if TYPE_CHECKING:
    from PIL.Image import Image

_LARGEST = 30
"""The largest magnitude in the paper's scale."""


@augmentation("rand_augment", setting=tuple[Whole, Annotated[int, Field(ge=0, le=_LARGEST)]], bare=(2, 9))
class RandAugment(Augmentation):
    """Operations drawn from the paper's fourteen are applied to each picture, one after the other.

    Setting: `[operations, magnitude]`: how many operations, and their strength, 0 to 30.
    """

    order = 3
    stream = 4

    def pixels(self, images: NDArray[np.uint8], draw: Draw) -> NDArray[np.uint8]:
        count, magnitude = self.setting
        for image, row in zip(images, draw.stream(self.stream).random((len(images), 2 * count)), strict=True):
            through_pillow(image, lambda picture, row=row: _changed(picture, row, magnitude / _LARGEST))
        return images


def _changed(image: Image, row: NDArray[np.float64], strength: float) -> Image:
    for which, sign in row.reshape(-1, 2):
        image = OPERATIONS[int(which * len(OPERATIONS))](image, strength, 1.0 if sign < 0.5 else -1.0)
    return image


def _affine(image: Image, matrix: tuple[float, ...]) -> Image:
    from PIL import Image as pillow

    return image.transform(image.size, pillow.Transform.AFFINE, matrix)


def _enhanced(kind: str) -> Callable[[Image, float, float], Image]:
    def change(image: Image, strength: float, sign: float) -> Image:
        from PIL import ImageEnhance

        if kind == "Color" and image.mode != "RGB":
            return image
        enhanced: Image = getattr(ImageEnhance, kind)(image).enhance(1 + sign * 0.9 * strength)
        return enhanced

    return change


def _image_ops(image: Image, name: str, *values: float) -> Image:
    from PIL import ImageOps

    changed: Image = getattr(ImageOps, name)(image, *values)
    return changed


OPERATIONS: tuple[Callable[[Any, float, float], Any], ...] = (
    lambda image, strength, sign: image,
    lambda image, strength, sign: _image_ops(image, "autocontrast"),
    lambda image, strength, sign: _image_ops(image, "equalize"),
    lambda image, strength, sign: _image_ops(image, "solarize", round(255 * (1 - strength))),
    lambda image, strength, sign: _image_ops(image, "posterize", 8 - round(4 * strength)),
    lambda image, strength, sign: image.rotate(30 * strength * sign),
    lambda image, strength, sign: _affine(image, (1, 0.3 * strength * sign, 0, 0, 1, 0)),
    lambda image, strength, sign: _affine(image, (1, 0, 0, 0.3 * strength * sign, 1, 0)),
    lambda image, strength, sign: _affine(image, (1, 0, 0.45 * strength * sign * image.size[0], 0, 1, 0)),
    lambda image, strength, sign: _affine(image, (1, 0, 0, 0, 1, 0.45 * strength * sign * image.size[1])),
    *(_enhanced(kind) for kind in ("Color", "Contrast", "Brightness", "Sharpness")),
)
"""The paper's fourteen operations with its ranges: from an image, a strength from 0 to 1 and a sign to an image."""
