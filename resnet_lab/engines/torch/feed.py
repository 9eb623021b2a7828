"""Make batches on the device: a small dataset is kept there as uint8, and is cropped, flipped and normalised there.

If images must be decoded or need another augmentation, the host makes the batches instead (`Feed.resident` decides).
"""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

import torch

from ...data.pipeline.feed import Epoch, Feed
from ...data.pipeline.pictures import InMemory
from ...data.pipeline.pixels import Normalise
from ..contract import Rank


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
        assert isinstance(feed.split, InMemory)  # because `feed.resident` is true
        images = torch.from_numpy(feed.split.images.copy()).to(device)
        self.images = torch.nn.functional.pad(images, (feed.pad,) * 4)
        self.labels = torch.from_numpy(feed.split.labels.copy()).to(device).long()
        self.tables = torch.from_numpy(Normalise(feed.mean, feed.std).tables).to(device)
        self.height, self.width = feed.split.images.shape[2:]

    def batch(self, indices: torch.Tensor, corners: torch.Tensor, flips: torch.Tensor) -> torch.Tensor:
        """Make the images of one batch.

        Args:
            indices: (batch,), the positions of the images in the dataset.
            corners: (batch, 2), the row and the column where the crop of each image begins.
            flips: (batch,), whether each image is mirrored.

        Returns:
            Normalised images, (batch, C, H, W), float32; their memory is laid out channels last.
        """
        device = self.images.device
        rows = corners[:, :1] + torch.arange(self.height, device=device)
        columns = torch.arange(self.width, device=device).expand(len(indices), -1)
        columns = corners[:, 1:] + torch.where(flips[:, None], self.width - 1 - columns, columns)
        # The shape is (batch, height, width, channels): a slice between index arrays moves to the end.
        values = self.images[indices[:, None, None], :, rows[:, :, None], columns[:, None, :]]
        offsets = 256 * torch.arange(values.shape[-1], device=device)
        return self.tables.flatten()[values.long() + offsets].permute(0, 3, 1, 2)


_RESIDENT: WeakKeyDictionary[Feed, dict[torch.device, Resident]] = WeakKeyDictionary()
"""The data that is on each device already, by feed; it goes when nobody uses the feed any more."""


def resident_batches(
    epoch: Epoch, device: torch.device, rank: Rank | None = None
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Make the batches of an epoch on a device; each equals the batch that the feed makes on the host, bit for bit.

    Args:
        epoch: the epoch.
        device: the device.
        rank: the process whose part of each batch is made; None for whole batches.

    Yields:
        Images (batch, C, H, W), float32, and labels (batch,), int64.
    """
    feed = epoch.feed
    on_devices = _RESIDENT.setdefault(feed, {})
    if device not in on_devices:
        on_devices[device] = Resident(feed, device)
    resident = on_devices[device]
    draws = epoch.draws
    order, corners, flips = (torch.from_numpy(array).to(device) for array in (draws.order, draws.corners, draws.flips))
    if not feed.flip:
        flips = torch.zeros_like(flips)
    part = slice(0, feed.batch_size) if rank is None else rank.part(feed.batch_size)
    for start in range(0, feed.steps * feed.batch_size, feed.batch_size):
        batch = slice(start + part.start, start + part.stop)
        yield resident.batch(order[batch], corners[batch], flips[batch]), resident.labels[order[batch]]
