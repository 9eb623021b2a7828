"""Copies arrays of the host to a device. A GPU gets them from pinned memory, so that Python does not wait for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..contract import Rank

if TYPE_CHECKING:
    from ...data.pipeline.feed import Batch

AHEAD = 3
"""The batches that may be on their way to a GPU at once; each needs pinned memory until it is there."""


def send(array: NDArray[Any], device: torch.device) -> torch.Tensor:
    """Copy an array to a device. A GPU gets it when it has done its earlier work; Python does not wait for that."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def sent(
    batches: Iterable[Batch], device: torch.device, rank: Rank | None = None
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Copy batches that the host makes to a device.

    Args:
        batches: images (batch, C, H, W), float32, and labels.
        device: the device.
        rank: the process whose part of each batch is copied; None for whole batches.

    Yields:
        Images, (batch, C, H, W), float32, whose memory is laid out channels last, and labels: int64 classes, (batch,),
        or float32 shares of the classes, (batch, classes).
    """
    under_way: deque[torch.cuda.Event] = deque()
    for images, labels in batches:
        if rank is not None:
            part = rank.part(len(labels))
            images, labels = images[part], labels[part]
        if len(under_way) == AHEAD:
            under_way.popleft().synchronize()
        x, y = send(images, device), send(labels, device)
        if device.type == "cuda":
            under_way.append(torch.cuda.Event(blocking=True))
            under_way[-1].record(torch.cuda.current_stream(device))
        yield x.contiguous(memory_format=torch.channels_last), y.long() if y.ndim == 1 else y
