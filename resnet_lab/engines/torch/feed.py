"""Make batches on the device: a small dataset is kept there as uint8, and is augmented and normalised there.

If images must be decoded, or need an augmentation that the device does not know, the host makes the batches instead
(`is_made_on_device` decides).
"""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

import numpy as np
import torch

from ...data.augmentations.contract import Draw
from ...data.pipeline.feed import Epoch, Feed
from ...data.pipeline.pictures import InMemory
from ...data.pipeline.pixels import Normalise
from ..contract import Rank
from .augmentations import NORMALISED, ON_DEVICE, PIXELS, VIEWS, Chunk, mixed, shares
from .sending import send


class Resident:
    """The images, labels and normalisation of a feed on a device.

    Attributes:
        images: (count, C, H + 2 * pad, W + 2 * pad), uint8, with a border of zeros for random crops.
        labels: (count,), int64.
        tables: (C, 256), float32: the normalised value of each pixel value in each channel.
        height: the height H of a batch's images in pixels.
        width: their width W.
    """

    def __init__(self, feed: Feed, device: torch.device) -> None:
        assert isinstance(feed.split, InMemory)  # because `is_made_on_device(feed)` is true
        images = torch.from_numpy(feed.split.images.copy()).to(device)
        self.images = torch.nn.functional.pad(images, (feed.pad,) * 4)
        self.labels = torch.from_numpy(feed.split.labels.copy()).to(device).long()
        self.tables = torch.from_numpy(Normalise(feed.mean, feed.std).tables).to(device)
        self.height, self.width = feed.split.images.shape[2:]
        self._pad = feed.pad
        self._views, self._pixels, self._normalised = (
            [forms[type(own)](own, feed.split.shape, device) for own in feed.chain.kinds if type(own) in forms]
            for forms in (VIEWS, PIXELS, NORMALISED)
        )

    def batch(self, indices: torch.Tensor, corners: torch.Tensor, flips: torch.Tensor) -> torch.Tensor:
        """Make the images of one batch.

        Args:
            indices: (batch,), the positions of the images in the dataset.
            corners: (batch, 2), the row and the column where the crop of each image begins.
            flips: (batch,), whether each image is mirrored.

        Returns:
            Normalised images, (batch, C, H, W), float32; their memory is laid out channels last.
        """
        return normalised(self._cropped(self.images, indices, corners, flips), self.tables)

    def augmented(
        self, indices: torch.Tensor, corners: torch.Tensor, flips: torch.Tensor, chunk: Chunk
    ) -> torch.Tensor:
        """Make the images of the batches of a chunk with all augmentations before mixing; see `batch`."""
        images = self.images
        for view in self._views:
            inside = slice(self._pad, -self._pad or None)
            images = torch.nn.functional.pad(view(images[indices, :, inside, inside], chunk), (self._pad,) * 4)
            indices = torch.arange(len(indices), device=images.device)
        images = self._cropped(images, indices, corners, flips)
        if self._pixels:
            images = images.contiguous()
        for change in self._pixels:
            images = change(images, chunk)
        images = normalised(images, self.tables)
        for change in self._normalised:
            images = change(images, chunk)
        return images

    def _cropped(
        self, images: torch.Tensor, indices: torch.Tensor, corners: torch.Tensor, flips: torch.Tensor
    ) -> torch.Tensor:
        """Crop images with a border and mirror them: uint8 (batch, C, H, W), laid out channels last."""
        device = self.images.device
        rows = corners[:, :1] + torch.arange(self.height, device=device)
        columns = torch.arange(self.width, device=device).expand(len(indices), -1)
        columns = corners[:, 1:] + torch.where(flips[:, None], self.width - 1 - columns, columns)
        # The shape is (batch, height, width, channels): a slice between index arrays moves to the end.
        values = images[indices[:, None, None], :, rows[:, :, None], columns[:, None, :]]
        return values.permute(0, 3, 1, 2)


def normalised(images: torch.Tensor, tables: torch.Tensor) -> torch.Tensor:
    """Normalise images; each value is the one that the host computes, bit for bit.

    Args:
        images: uint8 (batch, C, H, W).
        tables: float32 (C, 256), the normalised value of each pixel value in each channel, on the same device.

    Returns:
        float32 (batch, C, H, W), laid out channels last.
    """
    offsets = 256 * torch.arange(images.shape[1], device=images.device)
    values = images.permute(0, 2, 3, 1).contiguous()
    return tables.flatten()[values.long().add_(offsets)].permute(0, 3, 1, 2)


def is_made_on_device(feed: Feed) -> bool:
    """Whether a device can make the batches of a feed: the images are in memory, and it knows each augmentation."""
    if not isinstance(feed.split, InMemory):
        return False
    return feed.resident or (feed.split.shape[0] in (1, 3) and ON_DEVICE.issuperset(map(type, feed.chain.kinds)))


_RESIDENT: WeakKeyDictionary[Feed, dict[torch.device, Resident]] = WeakKeyDictionary()
"""The data that is on each device already, by feed; it goes when nobody uses the feed any more."""

_TOGETHER = 2**22
"""The most values that the images of a chunk have; a batch with more is a chunk of its own.

At most 25 bytes of memory are in use for each value while a chunk is made, and 4 bytes afterwards.
"""


def resident(feed: Feed, device: torch.device) -> Resident:
    """The data of a feed on a device; it is copied there once."""
    on_devices = _RESIDENT.setdefault(feed, {})
    if device not in on_devices:
        on_devices[device] = Resident(feed, device)
    return on_devices[device]


def resident_batches(
    epoch: Epoch, device: torch.device, rank: Rank | None = None
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Make the batches of an epoch on a device; each equals the batch that the feed makes on the host, bit for bit.

    Args:
        epoch: the epoch.
        device: the device.
        rank: the process whose part of each batch is made; None for whole batches.

    Yields:
        Images (batch, C, H, W), float32, and labels: int64 classes, (batch,), or float32 shares of the classes,
        (batch, classes).
    """
    feed = epoch.feed
    on_device = resident(feed, device)
    draws = epoch.draws
    order, corners, flips = (send(array, device) for array in (draws.order, draws.corners, draws.flips))
    if not feed.flip:
        flips = torch.zeros_like(flips)
    part = slice(0, feed.batch_size) if rank is None else rank.part(feed.batch_size)
    if not feed.resident:
        yield from _augmented(on_device, epoch, part, (order, corners, flips))
        return
    for start in range(0, feed.steps * feed.batch_size, feed.batch_size):
        batch = slice(start + part.start, start + part.stop)
        yield on_device.batch(order[batch], corners[batch], flips[batch]), on_device.labels[order[batch]]


def _augmented(
    on_device: Resident, epoch: Epoch, part: slice, draws: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Make the batches of an epoch whose images are more than cropped and flipped, several batches at a time.

    Args:
        part: the rows of each batch that are wanted.
        draws: the order, the corners and the flips of the epoch, on the device.
    """
    feed, device = epoch.feed, on_device.images.device
    every = np.arange(feed.batch_size)
    rows = every[part]
    if feed.chain.mixes and len(rows) < len(every):
        # Behind the images of this process come those that they are mixed with.
        rows = np.concatenate([rows, every[::-1][part]])
    together = max(1, _TOGETHER // (len(rows) * int(np.prod(feed.split.shape))))
    for first in range(0, feed.steps, together):
        steps = range(first, min(first + together, feed.steps))
        chunk = Chunk([feed.draw(epoch.number, step) for step in steps], feed.batch_size, rows, device)
        places = chunk.send(np.concatenate([step * feed.batch_size + rows for step in steps]))
        indices, corners, flips = (array[places] for array in draws)
        images, labels = on_device.augmented(indices, corners, flips, chunk), on_device.labels[indices]
        for draw, own, classes in zip(chunk.draws, images.split(len(rows)), labels.split(len(rows)), strict=True):
            yield _mixed(feed, draw, own, classes, part.stop - part.start) if feed.chain.mixes else (own, classes)


def _mixed(
    feed: Feed, draw: Draw, images: torch.Tensor, labels: torch.Tensor, wanted: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix the first `wanted` images with those behind them, or a whole batch with the reversed batch."""
    others, other_labels = (rows[wanted:] if len(rows) > wanted else rows.flip(0) for rows in (images, labels))
    made, share = mixed(*feed.chain.mixer(draw), images[:wanted], others)
    return made, shares(labels[:wanted], other_labels, share, feed.classes)
