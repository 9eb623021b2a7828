"""A model's answers to the batches of an evaluation on a GPU, which works on the next batches while Python reads them.

Images that are in memory are copied to the GPU once, as uint8, and are normalised there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch

from ...data.pipeline.evaluation import EvaluationBatches
from ...data.pipeline.pictures import InMemory
from ...data.pipeline.pixels import Normalise
from ..answers import filled
from .feed import normalised
from .sending import AHEAD, send
from .started import Arriving

if TYPE_CHECKING:
    from ...data.pipeline.feed import Batch
    from ..contract import Array


def answers(
    call: Callable[[torch.Tensor], torch.Tensor], batches: Iterable[Batch], device: torch.device
) -> Iterator[tuple[Array, Array]]:
    """Compute the logits of batches; the result is that of `Model.answers` (engines/contract.py).

    Args:
        call: computes logits (batch, classes) of images (batch, C, H, W) on the GPU.
        batches: images and labels.
        device: the GPU.
    """
    under_way: deque[tuple[Arriving, Array]] = deque()
    for images, labels in _on_gpu(batches, device):
        under_way.append((Arriving(call(images), gpu=True), labels))
        if len(under_way) > AHEAD:
            yield _arrived(*under_way.popleft())
    while under_way:
        yield _arrived(*under_way.popleft())


def _arrived(logits: Arriving, labels: Array) -> tuple[Array, Array]:
    """The logits and the labels of a batch, without those of the copies that have filled it."""
    return logits.wait().numpy()[: len(labels)], labels


def _on_gpu(batches: Iterable[Batch], device: torch.device) -> Iterator[tuple[torch.Tensor, Array]]:
    """Put the images of each batch on the GPU, filled up to the size of the first batch; labels stay as they are."""
    if isinstance(batches, EvaluationBatches) and isinstance(batches.split, InMemory):
        yield from _normalised_there(batches, batches.split, device)
        return
    for images, labels in filled(batches):
        yield send(images, device).contiguous(memory_format=torch.channels_last), labels


_RESIDENT: WeakKeyDictionary[InMemory, dict[torch.device, torch.Tensor]] = WeakKeyDictionary()
"""The images that are on each device already: uint8 (count, C, H, W); they go when nobody uses the images any more."""


def _normalised_there(
    batches: EvaluationBatches, split: InMemory, device: torch.device
) -> Iterator[tuple[torch.Tensor, Array]]:
    """Take the images of each batch from those on the GPU."""
    on_devices = _RESIDENT.setdefault(split, {})
    if device not in on_devices:
        on_devices[device] = torch.from_numpy(split.images.copy()).to(device)
    every = on_devices[device]
    tables = send(Normalise(batches.mean, batches.std).tables, device)
    size = min(batches.batch_size, len(split))
    for start in range(0, len(split), batches.batch_size):
        rows = torch.arange(start, start + size, device=device).clamp_(max=len(split) - 1)
        yield normalised(every[rows], tables), split.labels[start : start + size]
