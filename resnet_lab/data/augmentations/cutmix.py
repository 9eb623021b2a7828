"""`cutmix`: a rectangle of each picture is replaced by that of another picture (Yun et al. 2019)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...specs.augment import augmentation
from ...specs.strict import Positive
from .contract import Augmentation


@augmentation("cutmix", setting=Positive, bare=1.0)
class Cutmix(Augmentation):
    """A rectangle, drawn once for a batch, shows the other picture; labels are mixed by the area.

    Setting: alpha, above 0; the share of the area that is kept follows Beta(alpha, alpha) before the rectangle is cut
    at the picture's edges.
    """

    order = 1

    def mix(self, images: NDArray[np.float32], stream: np.random.Generator) -> float:
        height, width = images.shape[2:]
        rows, columns, kept = self.rectangle(stream, height, width)
        images[:, :, rows, columns] = images[::-1, :, rows, columns].copy()
        return kept

    def rectangle(self, stream: np.random.Generator, height: int, width: int) -> tuple[slice, slice, float]:
        """Draw the rectangle that shows the other picture, in pictures of this height and width in pixels.

        Returns:
            its rows, its columns, and the share of the area outside of it.
        """
        share = float(stream.beta(self.setting, self.setting))
        y, x = stream.random(2) * (height, width)
        h, w = np.sqrt(1 - share) * height / 2, np.sqrt(1 - share) * width / 2
        rows, columns = (
            slice(round(max(0, centre - half)), round(min(end, centre + half)))
            for centre, half, end in ((y, h, height), (x, w, width))
        )
        kept = 1 - (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)
        return rows, columns, float(kept)
