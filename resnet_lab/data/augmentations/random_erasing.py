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
        height, width = images.shape[2:]
        for image, row in zip(images, draw.stream(self.stream).random((len(images), 5)), strict=True):
            if row[0] < self.setting:
                area = height * width * (0.02 + row[1] * (1 / 3 - 0.02))
                ratio = np.exp((2 * row[2] - 1) * np.log(1 / 0.3))
                h = min(height, max(1, round(np.sqrt(area * ratio))))
                w = min(width, max(1, round(np.sqrt(area / ratio))))
                top, left = int(row[3] * (height - h + 1)), int(row[4] * (width - w + 1))
                image[:, top : top + h, left : left + w] = 0
