"""Batches made on the device: small datasets live there as uint8, and are cropped, flipped and normalised there.

Other augmentation, and pictures that are decoded, come from the host (`Feed.resident` decides).
"""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

import torch

from ...data.pipeline.feed import Epoch, Feed
from ...data.pipeline.pictures import InMemory
from ...data.pipeline.pixels import Normalise


class Resident:
    """A feed's images, labels and normalisation on a device."""

    def __init__(self, feed: Feed, device: torch.device) -> None:
        assert isinstance(feed.split, InMemory)  # as feed.resident says
        images = torch.from_numpy(feed.split.images.copy()).to(device)
        self.images = torch.nn.functional.pad(images, (feed.pad,) * 4)
        self.labels = torch.from_numpy(feed.split.labels.copy()).to(device).long()
        self.tables = torch.from_numpy(Normalise(feed.mean, feed.std).tables).to(device)
        self.height, self.width = feed.split.images.shape[2:]

    def batch(self, indices: torch.Tensor, corners: torch.Tensor, flips: torch.Tensor) -> torch.Tensor:
        """The images at `indices`, cropped from (y, x) `corners`, mirrored where `flips`; channels last in memory."""
        device = self.images.device
        rows = corners[:, :1] + torch.arange(self.height, device=device)
        columns = torch.arange(self.width, device=device).expand(len(indices), -1)
        columns = corners[:, 1:] + torch.where(flips[:, None], self.width - 1 - columns, columns)
        # (batch, height, width, channels): the channels' slice between two index arrays comes last.
        values = self.images[indices[:, None, None], :, rows[:, :, None], columns[:, None, :]]
        offsets = 256 * torch.arange(values.shape[-1], device=device)
        return self.tables.flatten()[values.long() + offsets].permute(0, 3, 1, 2)


_RESIDENT: WeakKeyDictionary[Feed, dict[torch.device, Resident]] = WeakKeyDictionary()


def resident_batches(epoch: Epoch, device: torch.device) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The batches of an epoch, bit for bit those that the feed makes on the host."""
    feed = epoch.feed
    on_devices = _RESIDENT.setdefault(feed, {})
    if device not in on_devices:
        on_devices[device] = Resident(feed, device)
    held = on_devices[device]
    draws = epoch.draws
    order, corners, flips = (torch.from_numpy(array).to(device) for array in (draws.order, draws.corners, draws.flips))
    if not feed.flip:
        flips = torch.zeros_like(flips)
    for start in range(0, feed.steps * feed.batch_size, feed.batch_size):
        place = slice(start, start + feed.batch_size)
        yield held.batch(order[place], corners[place], flips[place]), held.labels[order[place]]
