"""What a model is fed: the order of images and the draws of augmentation, all from one seed, and the batches.

Draws are made for (seed, epoch) alone, so that every engine sees the same pictures, and a run that
was cut off goes on as if it had not been.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .dataset import Split

if TYPE_CHECKING:
    from ..engines.contract import Batch


@dataclass(frozen=True)
class Draws:
    """One epoch: the order of the images, and for each place in it a crop's corner (y, x) and a flip."""

    order: NDArray[np.int64]
    corners: NDArray[np.int64]
    flips: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Feed:
    """Training batches of one size; the rest of an epoch that fills no batch is left out.

    Args:
        mean, std: a channel, on the scale 0 to 1.
        pad: zero pixels put around an image before a crop of its own size is drawn from it.
        flip: mirror left and right with probability one half.
    """

    split: Split
    batch_size: int
    seed: int
    mean: Sequence[float]
    std: Sequence[float]
    pad: int = 0
    flip: bool = False

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return len(self.split) // self.batch_size

    def draws(self, epoch: int) -> Draws:
        """Everything random about an epoch (counted from 0)."""
        generator = np.random.default_rng([self.seed, 1, epoch])
        count = len(self.split)
        order = generator.permutation(count)
        corners = generator.integers(0, 2 * self.pad + 1, (count, 2))
        return Draws(order, corners, generator.random(count) < 0.5)

    def epoch(self, epoch: int) -> Epoch:
        """The batches of an epoch."""
        return Epoch(self, epoch)

    @cached_property
    def normalise(self) -> Normalise:
        """From uint8 to what the network sees."""
        return Normalise(self.mean, self.std)


@dataclass(frozen=True)
class Epoch:
    """The batches of one epoch, made on the host when it is iterated; an engine may make the same on its device."""

    feed: Feed
    number: int

    @cached_property
    def draws(self) -> Draws:
        """What is random about it."""
        return self.feed.draws(self.number)

    def __iter__(self) -> Iterator[Batch]:
        """float32 (batch, C, H, W) and int32 (batch,), `feed.steps` times."""
        feed, draws = self.feed, self.draws
        for start in range(0, feed.steps * feed.batch_size, feed.batch_size):
            place = slice(start, start + feed.batch_size)
            indices = draws.order[place]
            images = feed.split.images[indices]
            if feed.pad:
                images = _crop(images, draws.corners[place], feed.pad)
            if feed.flip:
                images = np.where(draws.flips[place, None, None, None], images[..., ::-1], images)
            yield feed.normalise(images), feed.split.labels[indices]


def _crop(images: NDArray[np.uint8], corners: NDArray[np.int64], pad: int) -> NDArray[np.uint8]:
    padded = np.pad(images, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows: NDArray[np.uint8] = sliding_window_view(padded, images.shape[2:], axis=(2, 3))  # type: ignore[call-overload]
    cropped: NDArray[np.uint8] = windows[np.arange(len(images)), :, corners[:, 0], corners[:, 1]]
    return cropped


class Normalise:
    """uint8 to float32, (value / 255 - mean) / std a channel, by a table of the 256 levels: the same bits anywhere."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        levels = np.arange(256) / 255
        self.tables = np.stack([((levels - m) / s).astype(np.float32) for m, s in zip(mean, std, strict=True)])

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(batch, C, H, W) in, the same shape out."""
        out = np.empty(images.shape, np.float32)
        for channel, table in enumerate(self.tables):
            np.take(table, images[:, channel], out=out[:, channel], mode="clip")
        return out


def evaluation_batches(split: Split, batch_size: int, mean: Sequence[float], std: Sequence[float]) -> Iterator[Batch]:
    """Every image once, in order, normalised; the last batch may be smaller."""
    normalise = Normalise(mean, std)
    for start in range(0, len(split), batch_size):
        yield normalise(split.images[start : start + batch_size]), split.labels[start : start + batch_size]
