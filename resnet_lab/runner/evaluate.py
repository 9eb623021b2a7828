"""Loss and accuracy of a model on images, for every engine."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ..engines.contract import Model, Score

if TYPE_CHECKING:
    from ..engines.contract import Batch


def evaluate(model: Model, batches: Iterable[Batch]) -> Score:
    """Score a model in inference mode.

    A batch smaller than the first is filled up for the device, so that shapes stay as they are, and
    the filling is not counted. Sums are taken in float64.
    """
    loss, top1, top5, count, size = 0.0, 0, 0, 0, 0
    start = time.perf_counter()
    for images, labels in batches:
        size = max(size, len(images))
        filled = np.concatenate([images, np.repeat(images[-1:], size - len(images), axis=0)])
        logits = model.predict(filled)[: len(images)].astype(np.float64)
        right = logits[np.arange(len(labels)), labels]
        largest = logits.max(axis=1)
        loss += float((largest + np.log(np.exp(logits - largest[:, None]).sum(axis=1)) - right).sum())
        # Classes of equal logits rank by their number, as argmax has it.
        above = (logits > right[:, None]).sum(axis=1)
        ties = (logits == right[:, None]) & (np.arange(logits.shape[1]) < labels[:, None])
        rank = above + ties.sum(axis=1)
        rank = np.where(np.isfinite(right), rank, np.iinfo(int).max)  # no number is no answer
        top1, top5, count = top1 + int((rank < 1).sum()), top5 + int((rank < 5).sum()), count + len(labels)
    if not count:
        return Score(math.nan, math.nan, math.nan, 0, 0.0)
    return Score(loss / count, top1 / count, top5 / count, count, time.perf_counter() - start)
