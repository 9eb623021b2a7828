"""`pad_crop`: a crop of the picture's own size from the picture with zero pixels around it (He et al. 2015, 4.2)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from pydantic import Field

from ...specs.augment import augmentation
from .contract import Augmentation, Draw


@augmentation("pad_crop", setting=Annotated[int, Field(ge=0)], bare=4)
class PadCrop(Augmentation):
    """Zero pixels are put around each picture, and a crop of its own size is drawn.

    Setting: the number of zero pixels at each side. The corners are drawn for a whole epoch (`Feed.draws`).
    """

    order = 1
    on_device = True

    def pixels(self, images: NDArray[np.uint8], draw: Draw) -> NDArray[np.uint8]:
        count, channels, height, width = images.shape
        pad: int = self.setting
        padded = np.zeros((count, channels, height + 2 * pad, width + 2 * pad), np.uint8)
        padded[:, :, pad : pad + height, pad : pad + width] = images
        # NumPy 1's types know no axis of several numbers; NumPy 2's do.
        windows = sliding_window_view(padded, images.shape[2:], axis=(2, 3))  # type: ignore[call-overload, unused-ignore]
        cropped: NDArray[np.uint8] = windows[np.arange(count), :, draw.corners[:, 0], draw.corners[:, 1]]
        return cropped
