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
        for image, numbers, signs in zip(images, *self.operations(draw, len(images)), strict=True):
            through_pillow(image, lambda picture, own=(numbers, signs): self._changed(picture, *own))
        return images

    @property
    def strength(self) -> float:
        """The strength of the operations, from 0 to 1."""
        return float(self.setting[1] / _LARGEST)

    def operations(self, draw: Draw, count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """For each of `count` pictures its operations in their order.

        Returns:
            their numbers in OPERATIONS and their signs, 1.0 or -1.0; both (count, operations of a picture).
        """
        drawn = draw.stream(self.stream).random((count, self.setting[0], 2))
        return (drawn[..., 0] * len(OPERATIONS)).astype(np.int64), np.where(drawn[..., 1] < 0.5, 1.0, -1.0)

    def _changed(self, image: Image, numbers: NDArray[np.int64], signs: NDArray[np.float64]) -> Image:
        for number, sign in zip(numbers, signs, strict=True):
            image = CHANGES[number](image, self.strength, float(sign))
        return image


def _affine(image: Image, matrix: tuple[float, ...]) -> Image:
    from PIL import Image as pillow

    return image.transform(image.size, pillow.Transform.AFFINE, matrix)


def _enhanced(kind: str) -> Callable[[Image, float, float], Image]:
    def change(image: Image, strength: float, sign: float) -> Image:
        from PIL import ImageEnhance

        if kind == "Color" and image.mode != "RGB":
            return image
        enhanced: Image = getattr(ImageEnhance, kind)(image).enhance(factors(strength, sign))
        return enhanced

    return change


def factors(strength: float, sign: Any) -> Any:
    """The factor of colour, contrast, brightness or sharpness; `sign` is 1.0 or -1.0, or an array of them."""
    return 1 + sign * 0.9 * strength


def _image_ops(image: Image, name: str, *values: float) -> Image:
    from PIL import ImageOps

    changed: Image = getattr(ImageOps, name)(image, *values)
    return changed


OPERATIONS: dict[str, Callable[[Any, float, float], Any]] = {
    "identity": lambda image, strength, sign: image,
    "autocontrast": lambda image, strength, sign: _image_ops(image, "autocontrast"),
    "equalize": lambda image, strength, sign: _image_ops(image, "equalize"),
    "solarize": lambda image, strength, sign: _image_ops(image, "solarize", round(255 * (1 - strength))),
    "posterize": lambda image, strength, sign: _image_ops(image, "posterize", 8 - round(4 * strength)),
    "rotate": lambda image, strength, sign: image.rotate(30 * strength * sign),
    "shear_x": lambda image, strength, sign: _affine(image, (1, 0.3 * strength * sign, 0, 0, 1, 0)),
    "shear_y": lambda image, strength, sign: _affine(image, (1, 0, 0, 0.3 * strength * sign, 1, 0)),
    "translate_x": lambda image, strength, sign: _affine(
        image, (1, 0, 0.45 * strength * sign * image.size[0], 0, 1, 0)
    ),
    "translate_y": lambda image, strength, sign: _affine(
        image, (1, 0, 0, 0, 1, 0.45 * strength * sign * image.size[1])
    ),
    **{kind.lower(): _enhanced(kind) for kind in ("Color", "Contrast", "Brightness", "Sharpness")},
}
"""The paper's fourteen operations with its ranges: from an image, a strength from 0 to 1 and a sign to an image."""

CHANGES = tuple(OPERATIONS.values())
"""The operations in the order of their numbers."""
