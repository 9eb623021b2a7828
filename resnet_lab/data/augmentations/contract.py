"""The contract of an augmentation: at which stage it acts, what it draws, and what it does to a batch.

An augmentation is one class in one file of this folder. The decorator `augmentation` (specs/augment.py) gives it its
name in YAML files and the type of its setting. It draws its random numbers from a stream of its own for (seed, epoch,
step), so that augmentations do not disturb each other, and it does not matter which process makes a batch.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..formats.decode import Box

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Draw:
    """The random numbers of one batch.

    Args:
        corners: int64 (batch, 2): for each picture the corner (y, x) of a crop from the padded picture, in pixels.
        flips: bool (batch,): for each picture whether it is mirrored.
    """

    seed: int
    epoch: int
    step: int
    corners: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    flips: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    def stream(self, number: int) -> np.random.Generator:
        """The stream of random numbers with this number, from its beginning."""
        return np.random.default_rng([self.seed, number, self.epoch, self.step])


class Augmentation:
    """One kind of augmentation with its setting; a subclass overrides the method of the stage at which it acts.

    The stages follow each other: `views`, `pixels`, normalisation, `normalised`, `mix`.

    Attributes:
        order: its place among the augmentations of the same stage; the smallest number comes first.
        on_device: whether an engine may do the same on its device from `Draw.corners` and `Draw.flips` alone. An engine
            may know more of our augmentations (engines/torch/augmentations/).
        stream: the number of its stream of random numbers; made from the class's name where it is not given.
            0 to 2 belong to the initial weights, the order of the pictures and the validation part.
    """

    order: ClassVar[int] = 100
    on_device: ClassVar[bool] = False
    stream: ClassVar[int]

    def __init_subclass__(cls) -> None:
        if "stream" not in cls.__dict__:
            cls.stream = zlib.crc32(cls.__name__.encode())

    def __init__(self, setting: Any) -> None:
        self.setting = setting

    def views(self, draw: Draw, count: int, size: int) -> list[Box]:
        """For each of `count` pictures the part that is decoded and resized to size x size."""
        raise NotImplementedError

    def pixels(self, images: NDArray[np.uint8], draw: Draw) -> NDArray[np.uint8]:
        """Change uint8 images (batch, C, H, W), in place or not; returns them."""
        raise NotImplementedError

    def normalised(self, images: NDArray[np.float32], draw: Draw) -> None:
        """Change normalised float32 images (batch, C, H, W) in place; 0 is the mean of the data."""
        raise NotImplementedError

    def mix(self, images: NDArray[np.float32], stream: np.random.Generator) -> float:
        """Mix each normalised image (batch, C, H, W), in place, with the one at its place in the reversed batch.

        Returns:
            the share of an image that is its own; the rest is the other's, and so with the labels.
        """
        raise NotImplementedError


def through_pillow(image: NDArray[np.uint8], change: Any) -> None:
    """Change a uint8 (C, H, W) image in place by a function from a Pillow image to another of the same size."""
    from PIL import Image as pillow

    grey = len(image) == 1
    changed: Image = change(pillow.fromarray(image[0] if grey else np.ascontiguousarray(image.transpose(1, 2, 0))))
    pixels = np.asarray(changed)
    image[:] = pixels[None] if grey else pixels.transpose(2, 0, 1)
