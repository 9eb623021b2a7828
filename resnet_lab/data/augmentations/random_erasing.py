"""`random_erasing`: a rectangle of a picture becomes the mean colour (Zhong et al. 2017)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...specs.augment import augmentation
from .contract import Augmentation, Draw


@augmentation("random_erasing", setting=Annotated[float, Field(gt=0, le=1)], bare=0.25)
class RandomErasing(Augmentation):
    """A rectangle becomes 0, the mean of the data, with the probability that is given.

    The rectangle has 2 to 33 % of the area and a ratio of its sides of 0.3 to 3.3; it is cut to what fits.

    Setting: the probability, above 0 and at most 1.
    """

    stream = 6

    def normalised(self, images: NDArray[np.float32], draw: Draw) -> None:
        rectangles = self.rectangles(draw, len(images), *images.shape[2:])
        for image, (top, left, bottom, right) in zip(images, rectangles, strict=True):
            image[:, top:bottom, left:right] = 0

    def rectangles(self, draw: Draw, count: int, height: int, width: int) -> NDArray[np.int64]:
        """The rectangle that is erased from each of `count` pictures of this height and width in pixels.

        Returns:
            (count, 4): the first row and column, and the first row and column behind it; all 0 where nothing is erased.
        """
        chance, size, shape, y, x = draw.stream(self.stream).random((count, 5)).T
        area = height * width * (0.02 + size * (1 / 3 - 0.02))
        ratio = np.exp((2 * shape - 1) * np.log(1 / 0.3))
        h, w = (
            np.clip(np.rint(np.sqrt(sides)), 1, longest).astype(np.int64)
            for sides, longest in ((area * ratio, height), (area / ratio, width))
        )
        top, left = (y * (height - h + 1)).astype(np.int64), (x * (width - w + 1)).astype(np.int64)
        rectangles: NDArray[np.int64] = np.stack([top, left, top + h, left + w], axis=1)
        rectangles[chance >= self.setting] = 0
        return rectangles
