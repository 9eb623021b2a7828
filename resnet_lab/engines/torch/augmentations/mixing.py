"""`random_erasing`, `mixup` and `cutmix` on the device, on normalised images, bit for bit."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ....data.augmentations.contract import Augmentation, Draw
from ....data.augmentations.cutmix import Cutmix
from ....data.augmentations.mixup import Mixup
from ....data.augmentations.random_erasing import RandomErasing
from .chunk import Chunk


class Erasing:
    """Sets a rectangle of some images to 0, the mean of the data: `random_erasing`."""

    def __init__(self, own: RandomErasing, shape: tuple[int, int, int], device: torch.device) -> None:
        self._own = own
        _, self._height, self._width = shape
        self._rows = torch.arange(self._height, device=device)[:, None]
        self._columns = torch.arange(self._width, device=device)

    def __call__(self, images: torch.Tensor, chunk: Chunk) -> torch.Tensor:
        """Change normalised float32 images (count, C, H, W), in place."""
        drawn = chunk.send(chunk.drawn(self._rectangles).T)
        top, left, bottom, right = drawn[..., None, None, None]
        rows = (self._rows >= top) & (self._rows < bottom)
        return images.masked_fill_(rows & (self._columns >= left) & (self._columns < right), 0)

    def _rectangles(self, draw: Draw, count: int) -> NDArray[np.int64]:
        return self._own.rectangles(draw, count, self._height, self._width)


def mixed(
    mixer: Augmentation, stream: np.random.Generator, images: torch.Tensor, others: torch.Tensor
) -> tuple[torch.Tensor, float]:
    """Mix each image with another one.

    Args:
        mixer: the kind of mixing with its setting, Mixup or Cutmix.
        stream: the random numbers of the batch.
        images: normalised images (batch, C, H, W), float32.
        others: the image that each is mixed with.

    Returns:
        The mixed images, and the share of an image that is its own.
    """
    if isinstance(mixer, Mixup):
        share = mixer.share(stream)
        return images * float(np.float32(share)) + others * float(np.float32(1 - share)), share
    assert isinstance(mixer, Cutmix)
    rows, columns, share = mixer.rectangle(stream, *images.shape[2:])
    images = images.clone()
    images[:, :, rows, columns] = others[:, :, rows, columns]
    return images, share


def shares(labels: torch.Tensor, others: torch.Tensor, share: float, classes: int) -> torch.Tensor:
    """The share of each class, float32 (batch, classes).

    Args:
        labels: the classes of the images, int64 (batch,).
        others: the classes of the images that they are mixed with.
        share: the share of an image that is its own.
        classes: the number of classes.
    """
    numbers = torch.arange(classes, device=labels.device)
    own, other = ((each[:, None] == numbers).float() for each in (labels, others))
    return own * float(np.float32(share)) + other * float(np.float32(1 - share))
