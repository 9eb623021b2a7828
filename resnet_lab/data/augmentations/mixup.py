"""`mixup`: weighted means of two pictures and of their labels (Zhang et al. 2017)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...specs.augment import augmentation
from ...specs.strict import Positive
from .contract import Augmentation


@augmentation("mixup", setting=Positive, bare=0.2)
class Mixup(Augmentation):
    """Each picture becomes share * picture + (1 - share) * other; the share is drawn once for a batch.

    Setting: alpha, above 0; the share follows the distribution Beta(alpha, alpha).
    """

    order = 2

    def mix(self, images: NDArray[np.float32], stream: np.random.Generator) -> float:
        share = self.share(stream)
        other = images[::-1] * np.float32(1 - share)
        images *= np.float32(share)
        images += other
        return share

    def share(self, stream: np.random.Generator) -> float:
        """The share of an image that is its own."""
        return float(stream.beta(self.setting, self.setting))
