"""The dataset registry, and what an experiment's `data` makes of a raw dataset: size, channels, splits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import LabError
from ..registry import Entry, Registry

DATASETS = Registry("dataset")


@dataclass(frozen=True)
class Split:
    """Images, uint8 (count, channels, height, width), and their classes, int32 (count,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.int64]) -> Split:
        """The images at these places."""
        return Split(self.images[indices], self.labels[indices])


@dataclass(frozen=True)
class Dataset:
    """Images to train and to test on; `validation` is a part of the training images that was put aside.

    `mean` and `std` are those of the training pixels, a channel, on the scale 0 to 1.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    mean: tuple[float, ...]
    std: tuple[float, ...]
    validation: Split | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one image: (channels, height, width)."""
        _, channels, height, width = self.train.images.shape
        return channels, height, width


@dataclass(frozen=True)
class Source(Entry):
    """A registered dataset, and what is known of it before it is read."""

    shape: tuple[int, int, int] = (1, 1, 1)
    classes: int = 0
    count: int = 0


def dataset(
    name: str, *, shape: tuple[int, int, int], classes: int, count: int, replace: bool = False
) -> Callable[[Callable[[], Dataset]], Callable[[], Dataset]]:
    """Register a function that returns a `Dataset`.

    Args:
        shape: of one image, (channels, height, width).
        count: images to train on.
        replace: take the name over, if it is taken.

    Raises:
        LabError: the name is taken.
    """

    def register(function: Callable[[], Dataset]) -> Callable[[], Dataset]:
        DATASETS.add(Source("dataset", name, function, (), shape, classes, count), replace)
        return function

    return register


def load(
    name: str, *, size: int | None = None, channels: int | None = None, validation: float = 0.0, seed: int = 0
) -> Dataset:
    """The dataset as an experiment asks for it.

    Args:
        size: height and width that images are resized to (bilinear); their own where None.
        channels: 3 repeats a grey image in each; 1 needs grey images; their own where None.
        validation: share of the training images that is put aside, drawn by `seed`.

    Raises:
        LabError: no such dataset, or one that cannot be had or asked so.
    """
    raw: Dataset = DATASETS.get(name).function()
    if channels is not None and channels != raw.shape[0]:
        if raw.shape[0] != 1 or channels != 3:
            raise LabError(f"dataset '{name}' has {raw.shape[0]} channels and cannot be given {channels}")
        raw = replace(
            raw, train=_grey_to_rgb(raw.train), test=_grey_to_rgb(raw.test), mean=raw.mean * 3, std=raw.std * 3
        )
    if size is not None and (size, size) != raw.shape[1:]:
        raw = replace(raw, train=resize(raw.train, size), test=resize(raw.test, size))
    if validation:
        order = np.random.default_rng([seed, 2]).permutation(len(raw.train))
        kept = len(order) - round(len(order) * validation)
        raw = replace(raw, train=raw.train.take(order[:kept]), validation=raw.train.take(order[kept:]))
    return raw


def _grey_to_rgb(split: Split) -> Split:
    count, _, height, width = split.images.shape
    return Split(np.broadcast_to(split.images, (count, 3, height, width)), split.labels)


def resize(split: Split, size: int) -> Split:
    """All images at size x size, bilinear (Pillow's, which smooths when it shrinks)."""
    from PIL import Image

    images = split.images
    grey = images.strides[1] == 0  # three times the same channel: resize one
    planes = images[:, :1] if grey else images
    resized = np.empty((len(images), planes.shape[1], size, size), np.uint8)
    for source, target in zip(planes.reshape(-1, *images.shape[2:]), resized.reshape(-1, size, size), strict=True):
        target[:] = Image.fromarray(source).resize((size, size), Image.Resampling.BILINEAR)
    return Split(np.broadcast_to(resized, (*images.shape[:2], size, size)) if grey else resized, split.labels)


def statistics(images: NDArray[Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of uint8 images a channel, on the scale 0 to 1, from exact counts."""
    means, deviations = [], []
    levels = np.arange(256) / 255
    for channel in range(images.shape[1]):
        counts = np.bincount(images[:, channel].reshape(-1), minlength=256)
        mean = float(counts @ levels / counts.sum())
        means.append(mean)
        deviations.append(float((counts @ (levels - mean) ** 2 / counts.sum()) ** 0.5))
    return tuple(means), tuple(deviations)
