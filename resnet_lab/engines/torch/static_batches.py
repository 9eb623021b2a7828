"""The batches of an epoch as a captured step makes them: from arrays on the device that keep their memory.

A captured step repeats the same operations on the same memory (captured.py). So the order, the crops and the flips of
an epoch are copied over those of the epoch before, and the number of the batch lies in a tensor, which each step
increases.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from ...data.pipeline.feed import Epoch, Feed
from .feed import resident
from .sending import send

GATHERED = frozenset({"pad_crop", "flip"})
"""The augmentations that `EpochOnDevice.next` does; a feed with another augmentation makes its batches elsewhere."""


def is_gathered(feed: Feed) -> bool:
    """Whether a captured step may make the batches of a feed itself."""
    return feed.resident and set(feed.augment.settings) <= GATHERED


@dataclass(frozen=True)
class Position:
    """One batch of an epoch on the device; stands for its images and its labels until a step reads them.

    Attributes:
        epoch: the epoch.
        filling: the number of the epoch among those that `epoch` has held.
        number: the number of the batch in the epoch, from 0.
    """

    epoch: EpochOnDevice
    filling: int
    number: int

    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Make the images (batch, C, H, W), float32, and the labels (batch,), int64, of this batch."""
        self.epoch.go_to(self)
        return self.epoch.next()


class EpochOnDevice:
    """The order, crops and flips of one epoch of a feed on a device, and the number of the next batch.

    Args:
        feed: the feed, for which `is_gathered` is true.
        device: the device.
    """

    def __init__(self, feed: Feed, device: torch.device) -> None:
        self._resident, self._batch, self._steps = resident(feed, device), feed.batch_size, feed.steps
        self._has_flips = feed.flip
        count = len(feed.split)
        self._order = torch.zeros(count, dtype=torch.int64, device=device)
        self._corners = torch.zeros(count, 2, dtype=torch.int64, device=device)
        self._flips = torch.zeros(count, dtype=torch.bool, device=device)
        self._number = torch.zeros((), dtype=torch.int64, device=device)
        self._next = self._filling = 0

    def positions(self, epoch: Epoch) -> Iterator[Position]:
        """Take over an epoch, and yield the position of each of its batches."""
        draws, device = epoch.draws, self._order.device
        self._order.copy_(send(draws.order, device))
        self._corners.copy_(send(draws.corners, device))
        if self._has_flips:
            self._flips.copy_(send(draws.flips, device))
        self._filling += 1
        filling = self._filling
        for number in range(self._steps):
            yield Position(self, filling, number)

    def go_to(self, position: Position) -> None:
        """Let `next` make the batch at a position; in an epoch in order, nothing is written to the device."""
        if position.filling != self._filling:
            raise RuntimeError("the batch belongs to an epoch that is over")
        if position.number != self._next:
            self._number.fill_(position.number)
        self._next = position.number + 1

    def next(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Make the images (batch, C, H, W), float32, and the labels (batch,), int64, of the next batch."""
        rows = self._number * self._batch + torch.arange(self._batch, device=self._number.device)
        indices = self._order[rows]
        images = self._resident.batch(indices, self._corners[rows], self._flips[rows])
        self._number.add_(1)
        return images, self._resident.labels[indices]
