"""Consecutive batches whose images are augmented together, so that a GPU gets fewer and larger operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from ....data.augmentations.contract import Draw
from ..sending import send


@dataclass(frozen=True)
class Chunk:
    """Batches whose images are augmented together.

    Args:
        draws: the random numbers of each batch.
        batch_size: the number of images of a whole batch.
        rows: the rows of each batch that are made; int64.
        device: the device of the images.
    """

    draws: Sequence[Draw]
    batch_size: int
    rows: NDArray[np.int64]
    device: torch.device

    def drawn(self, draw: Callable[[Draw, int], NDArray[Any]]) -> NDArray[Any]:
        """What a function draws for each batch, from its `Draw` and its number of images, for the rows that are made.

        Returns:
            an array with a row for each image of the chunk.
        """
        return np.concatenate([draw(own, self.batch_size)[self.rows] for own in self.draws])

    def send(self, array: NDArray[Any]) -> torch.Tensor:
        """Copy an array to the device."""
        return send(array, self.device)


class Form(Protocol):
    """An augmentation on a device: a class that is called with a setting once, and then with each chunk's images.

    Where the host's form changes images of uint8, so does this one, else float32. The result may be the same tensor.
    """

    def __init__(self, own: Any, shape: tuple[int, int, int], device: torch.device) -> None:
        """`own` is the host's form with its setting; images are `shape`: (channels, height, width)."""

    def __call__(self, images: torch.Tensor, chunk: Chunk) -> torch.Tensor:
        """Change images (count, C, H, W)."""
