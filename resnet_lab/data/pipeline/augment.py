"""Augmentation beyond crop and flip: which part of a picture is shown, its colours, erasing, and mixing of pictures.

Whatever the order in which an experiment lists them, they happen in this one: resize or
random_resized_crop, pad_crop, flip, rand_augment, color_jitter, (normalisation,) random_erasing, mixup
or cutmix. Each draws from a stream of its own for (seed, epoch, step), so that one does not disturb
another, and who makes the batch does not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..formats.decode import Box, random_resized, scaled_crop

if TYPE_CHECKING:
    from PIL.Image import Image

_VIEW, _OPS, _COLOURS, _ERASING, _MIXING = 3, 4, 5, 6, 7
"""Names of streams; the first two are those of the order and of the validation split."""

_BINS = 30
"""RandAugment's magnitudes are 0 to 30."""


@dataclass(frozen=True)
class Augment:
    """What is done to training pictures beside padded crops and flips; None where it is not.

    Args:
        resize: least and largest length that the shorter side is brought to, before a crop is drawn.
        random_resized_crop: least and largest share of the area that a crop has (Szegedy et al. 2015).
        rand_augment: how many operations, and their magnitude, 0 to 30 (Cubuk et al. 2020).
        color_jitter: brightness, contrast and saturation change by up to this share.
        random_erasing: probability that a rectangle becomes the mean colour (Zhong et al. 2017).
        mixup: alpha of the Beta distribution of shares (Zhang et al. 2017); pictures go with the batch reversed.
        cutmix: alpha, likewise (Yun et al. 2019); with both, a coin chooses for each batch.
    """

    resize: tuple[int, int] | None = None
    random_resized_crop: tuple[float, float] | None = None
    rand_augment: tuple[int, int] | None = None
    color_jitter: float | None = None
    random_erasing: float | None = None
    mixup: float | None = None
    cutmix: float | None = None

    @property
    def none(self) -> bool:
        """Whether nothing is done."""
        return self == NO_AUGMENT

    @property
    def mixes(self) -> bool:
        """Whether labels become shares of classes."""
        return self.mixup is not None or self.cutmix is not None

    def views(self, key: tuple[int, int, int], count: int, size: int) -> list[Box] | None:
        """For each picture of a batch the part that is shown; None where nothing is drawn.

        Args:
            key: seed, epoch, step.
        """
        if self.random_resized_crop is not None:
            scale = self.random_resized_crop
            return [random_resized(row, scale) for row in _stream(key, _VIEW).random((count, 22))]
        if self.resize is not None:
            sides = self.resize
            return [scaled_crop(row, sides, size) for row in _stream(key, _VIEW).random((count, 3))]
        return None

    def recolour(self, images: NDArray[np.uint8], key: tuple[int, int, int]) -> None:
        """RandAugment and colour jitter, in place, on uint8 (batch, C, H, W)."""
        if self.rand_augment is not None:
            count, magnitude = self.rand_augment
            for image, row in zip(images, _stream(key, _OPS).random((len(images), 2 * count)), strict=True):
                _through_pillow(image, lambda picture, row=row: _rand_augment(picture, row, magnitude))  # type: ignore[misc]
        if self.color_jitter is not None:
            factors = 1 + self.color_jitter * (2 * _stream(key, _COLOURS).random((len(images), 3)) - 1)
            for image, row in zip(images, factors, strict=True):
                _through_pillow(image, lambda picture, row=row: _jitter(picture, row))  # type: ignore[misc]

    def erase(self, images: NDArray[np.float32], key: tuple[int, int, int]) -> None:
        """Random erasing, in place, on normalised float32 (batch, C, H, W): to 0, the mean of the data.

        The rectangle has 2 to 33 % of the area and a ratio of 0.3 to 3.3, cut to what fits.
        """
        if self.random_erasing is None:
            return
        height, width = images.shape[2:]
        for image, row in zip(images, _stream(key, _ERASING).random((len(images), 5)), strict=True):
            if row[0] < self.random_erasing:
                area = height * width * (0.02 + row[1] * (1 / 3 - 0.02))
                ratio = np.exp((2 * row[2] - 1) * np.log(1 / 0.3))
                h = min(height, max(1, round(np.sqrt(area * ratio))))
                w = min(width, max(1, round(np.sqrt(area / ratio))))
                top, left = int(row[3] * (height - h + 1)), int(row[4] * (width - w + 1))
                image[:, top : top + h, left : left + w] = 0

    def mix(
        self, images: NDArray[np.float32], labels: NDArray[np.int32], classes: int, key: tuple[int, int, int]
    ) -> NDArray[Any]:
        """Mixup or cutmix, in place; each picture goes with the one in the reversed batch.

        Returns:
            the labels, as float32 (batch, classes): the share of each class.
        """
        if not self.mixes:
            return labels
        stream = _stream(key, _MIXING)
        cuts = self.mixup is None or (self.cutmix is not None and bool(stream.random() < 0.5))
        alpha = self.cutmix if cuts else self.mixup
        assert alpha is not None
        share = float(stream.beta(alpha, alpha))
        if cuts:
            height, width = images.shape[2:]
            y, x = stream.random(2) * (height, width)
            h, w = np.sqrt(1 - share) * height / 2, np.sqrt(1 - share) * width / 2
            rows, columns = (
                slice(round(max(0, centre - half)), round(min(end, centre + half)))
                for centre, half, end in ((y, h, height), (x, w, width))
            )
            images[:, :, rows, columns] = images[::-1, :, rows, columns].copy()
            share = 1 - (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)
        else:
            other = images[::-1] * np.float32(1 - share)
            images *= np.float32(share)
            images += other
        shares = np.zeros((len(labels), classes), np.float32)
        shares[np.arange(len(labels)), labels] = share
        shares[np.arange(len(labels)), labels[::-1]] += np.float32(1 - share)
        return shares


NO_AUGMENT = Augment()


def _stream(key: tuple[int, int, int], name: int) -> np.random.Generator:
    seed, epoch, step = key
    return np.random.default_rng([seed, name, epoch, step])


def _through_pillow(image: NDArray[np.uint8], change: Callable[[Image], Image]) -> None:
    """Change a uint8 (C, H, W) image in place by a function of Pillow's images."""
    from PIL import Image as pillow

    grey = len(image) == 1
    changed = change(pillow.fromarray(image[0] if grey else np.ascontiguousarray(image.transpose(1, 2, 0))))
    pixels = np.asarray(changed)
    image[:] = pixels[None] if grey else pixels.transpose(2, 0, 1)


def _jitter(image: Image, factors: NDArray[np.float64]) -> Image:
    from PIL import ImageEnhance

    brightness, contrast, saturation = (float(factor) for factor in factors)
    image = ImageEnhance.Brightness(image).enhance(brightness)
    image = ImageEnhance.Contrast(image).enhance(contrast)
    return ImageEnhance.Color(image).enhance(saturation) if image.mode == "RGB" else image


def _rand_augment(image: Image, row: NDArray[np.float64], magnitude: int) -> Image:
    for which, sign in row.reshape(-1, 2):
        change = _OPERATIONS[int(which * len(_OPERATIONS))]
        image = change(image, magnitude / _BINS, 1.0 if sign < 0.5 else -1.0)
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


def _image_ops(image: Image, name: str, *words: float) -> Image:
    from PIL import ImageOps

    changed: Image = getattr(ImageOps, name)(image, *words)
    return changed


_OPERATIONS: tuple[Callable[[Any, float, float], Any], ...] = (
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
"""The fourteen of RandAugment with the paper's ranges, each of (image, strength from 0 to 1, sign)."""
