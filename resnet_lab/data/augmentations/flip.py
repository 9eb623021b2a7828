"""`flip`: a mirror image, with probability one half."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...specs.augment import augmentation
from .contract import Augmentation, Draw


@augmentation("flip", setting=bool, bare=True)
class Flip(Augmentation):
    """Left and right change places, with probability one half.

    Setting: `true`. Which pictures are mirrored is drawn for a whole epoch (`Feed.draws`).
    """

    order = 2
    on_device = True

    def pixels(self, images: NDArray[np.uint8], draw: Draw) -> NDArray[np.uint8]:
        images[draw.flips] = images[draw.flips][..., ::-1]
        return images
