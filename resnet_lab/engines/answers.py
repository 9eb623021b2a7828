"""A model's answers to the batches of an evaluation, for engines that compute one batch after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..data.pipeline.feed import Batch
    from .contract import Array


def one_after_another(predict: Callable[[Array], Array], batches: Iterable[Batch]) -> Iterator[tuple[Array, Array]]:
    """Compute the logits of batches; the result is that of `Model.answers` (contract.py).

    Args:
        predict: computes logits (batch, classes) of images (batch, C, H, W).
        batches: images and labels.
    """
    for images, labels in filled(batches):
        yield predict(images)[: len(labels)], labels


def filled(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Give batches one size, so that a compiled model sees one shape.

    Yields:
        Images, with copies of the last image behind the images of a batch that is smaller than one before it, and the
        labels, without copies.
    """
    size = 0
    for images, labels in batches:
        size = max(size, len(images))
        yield np.concatenate([images, np.repeat(images[-1:], size - len(images), axis=0)]), labels
