"""The batches that a model is trained on: their order and their augmentation, all from one seed.

All random numbers depend on (seed, epoch) or (seed, epoch, step) alone. So every engine sees the same pictures, every
process makes the same batch of a step, and a run that was interrupted continues with the same batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import LabError
from ...specs.augment import NO_AUGMENTATION, AugmentSpec
from ..augmentations.contract import Draw
from ..formats.decode import Box, Undecodable
from .augment import Chain
from .pictures import InMemory, OnDisk, Pictures
from .pixels import Made, Normalise, viewed

if TYPE_CHECKING:
    from .stream import Workers


Batch = tuple[NDArray[np.float32], NDArray[Any]]
"""Images, (batch, C, H, W), and labels: int32 classes, (batch,), or float32 shares of the classes, (batch, classes)."""


@dataclass(frozen=True)
class Draws:
    """The random numbers of an epoch.

    Attributes:
        order: int64 (count,): the images in the order in which they are shown.
        corners: int64 (count, 2): the corner (y, x) of each crop in the padded image, in pixels, in that order.
        flips: bool (count,): whether each image is mirrored, in that order.
    """

    order: NDArray[np.int64]
    corners: NDArray[np.int64]
    flips: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Feed:
    """Training batches of equal size; the images left over at the end of an epoch, too few for a batch, are not shown.

    Args:
        split: the training images.
        mean, std: mean and standard deviation of each channel, on the scale 0 to 1.
        augment: the augmentations of the images.
        classes: the number of classes; needed where pictures are mixed.
        skip: replace a damaged picture by the next picture of the epoch; if False, a damaged picture is an error.
        workers: the processes that make the batches; None means this process.
        skipped: the names of the damaged pictures that were left out so far.
        part: the rows of each batch that are needed, where several processes share a batch; None means all of them.
    """

    split: Pictures
    batch_size: int
    seed: int
    mean: Sequence[float]
    std: Sequence[float]
    augment: AugmentSpec = NO_AUGMENTATION
    classes: int = 0
    skip: bool = False
    workers: Workers | None = None
    skipped: set[str] = field(default_factory=set)
    part: slice | None = None

    def __post_init__(self) -> None:
        """Raises LabError: the images do not fill one batch."""
        if self.batch_size > len(self.split):
            raise LabError(
                f"a batch has {self.batch_size} images, but there are only {len(self.split)} to train on: "
                "make 'train.batch_size' smaller"
            )

    @property
    def steps(self) -> int:
        """The number of batches of an epoch."""
        return len(self.split) // self.batch_size

    @cached_property
    def chain(self) -> Chain:
        """The augmentations in their order."""
        return Chain(self.augment)

    @property
    def pad(self) -> int:
        """The number of zero pixels that are added at each side of an image before it is cropped to its own size."""
        return int(self.augment.settings.get("pad_crop", 0))

    @property
    def flip(self) -> bool:
        """Whether images are mirrored, each with probability one half."""
        return bool(self.augment.settings.get("flip", False))

    @property
    def resident(self) -> bool:
        """Whether the images are in memory and only cropped and flipped.

        Then an engine may make the batches on its device from `Draws` alone.
        """
        return isinstance(self.split, InMemory) and self.chain.on_device

    def draws(self, epoch: int) -> Draws:
        """The order, crops and flips of an epoch (counted from 0)."""
        generator = np.random.default_rng([self.seed, 1, epoch])
        count = len(self.split)
        order = generator.permutation(count)
        corners = generator.integers(0, 2 * self.pad + 1, (count, 2))
        return Draws(order, corners, generator.random(count) < 0.5)

    def draw(self, epoch: int, step: int) -> Draw:
        """The random numbers of one batch; epochs and steps are counted from 0."""
        draws, start = self._draws_of(epoch), step * self.batch_size
        place = slice(start, start + self.batch_size)
        return Draw(self.seed, epoch, step, draws.corners[place], draws.flips[place])

    def epoch(self, epoch: int) -> Epoch:
        """The batches of an epoch."""
        return Epoch(self, epoch)

    @cached_property
    def normalise(self) -> Normalise:
        """The normalisation: from uint8 to the values that the network sees."""
        return Normalise(self.mean, self.std)

    @property
    def batch_shape(self) -> tuple[int, int, int, int]:
        """The shape of the images of one batch."""
        return (self.batch_size, *self.split.shape)

    def make(self, epoch: int, step: int, out: NDArray[np.float32] | None = None) -> Made:
        """Make one batch.

        Args:
            epoch: the number of the epoch, from 0.
            step: the number of the batch in the epoch, from 0.
            out: float32 array of shape `batch_shape` for the images; None means a new array.

        Returns:
            The images, the labels, and the names of the damaged pictures that were left out.

        Raises:
            Undecodable: a picture is damaged and damaged pictures are not skipped, or every picture is damaged.
        """
        draw = self.draw(epoch, step)
        views = self.chain.views(draw, self.batch_size, self.split.shape[1])
        images, indices, bad = self._pictures(self._draws_of(epoch).order, step * self.batch_size, views)
        images = np.ascontiguousarray(self.chain.pixels(images, draw))
        normal = self.normalise(images, out)
        self.chain.normalised(normal, draw)
        return normal, self.chain.mix(normal, self.split.labels[indices], self.classes, draw), bad

    @property
    def _decoded(self) -> range:
        """The rows of a batch whose pictures on the disk are decoded; the others are black.

        Mixing needs all pictures of a batch, and so does the count of the damaged ones that are skipped.
        """
        rows = range(self.batch_size)
        return rows if self.part is None or self.skip or self.chain.mixes else rows[self.part]

    def _draws_of(self, epoch: int) -> Draws:
        """Return the random numbers of an epoch; those of the last epoch are kept for its other batches."""
        kept: tuple[int, Draws] | None = self.__dict__.get("_kept")
        if kept is None or kept[0] != epoch:
            kept = self.__dict__["_kept"] = epoch, self.draws(epoch)
        return kept[1]

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for a worker process: without the values that it computes again, and without the workers."""
        return {key: value for key, value in self.__dict__.items() if key not in ("_kept", "chain")} | {"workers": None}

    def _pictures(
        self, order: NDArray[np.int64], start: int, views: list[Box] | None
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64], tuple[str, ...]]:
        """Return images, uint8 (batch, C, H, W), their positions in the split, and the names of damaged pictures."""
        indices = order[start : start + self.batch_size].copy()
        if isinstance(self.split, InMemory):
            images = self.split.images[indices]
            return (images if views is None else viewed(images, views)), indices, ()
        images = np.zeros((self.batch_size, *self.split.shape[1:], 3), np.uint8)
        bad = []
        for row in self._decoded:
            view = None if views is None else views[row]
            for offset in range(len(order)):
                indices[row] = order[(start + row + offset) % len(order)]
                try:
                    self.split.fill(int(indices[row]), images[row], view)
                    break
                except Undecodable as error:
                    bad.append(left_out(error, self.skip, self.split, int(indices[row])))
            else:
                raise none_left(self.split)
        return images.transpose(0, 3, 1, 2), indices, tuple(bad)


@dataclass(frozen=True)
class Epoch:
    """The batches of one epoch. Iteration makes them on the host; an engine may make the same batches on its device."""

    feed: Feed
    number: int

    @cached_property
    def draws(self) -> Draws:
        """The random numbers of the epoch."""
        return self.feed._draws_of(self.number)

    def __iter__(self) -> Iterator[Batch]:
        """Yield `feed.steps` batches; see `Batch`."""
        feed = self.feed
        if feed.workers is not None:
            made = feed.workers.batches(feed, self.number)
        else:
            made = (feed.make(self.number, step) for step in range(feed.steps))
        for images, labels, bad in made:
            feed.skipped.update(bad)
            yield images, labels


def left_out(error: Undecodable, skip: bool, split: Pictures, place: int) -> str:
    """Return the name of a damaged picture, which is left out. Raises Undecodable: damaged pictures are not skipped."""
    if not skip:
        raise Undecodable(f"{error.message}; 'damaged: skip' in 'data' leaves damaged pictures out") from None
    assert isinstance(split, OnDisk)
    return split.name(place)


def none_left(split: Pictures) -> Undecodable:
    """Make the error for a split whose pictures are all damaged."""
    first = f", from {split.name(0)} on" if isinstance(split, OnDisk) and len(split) else ""
    return Undecodable(f"none of the {len(split)} pictures can be decoded{first}: 'damaged: skip' has left out all")
