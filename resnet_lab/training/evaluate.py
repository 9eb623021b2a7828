"""Loss and accuracy of a model on images, for every engine."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.files import atomic_write
from ..engines.contract import Model, Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..data.pipeline.feed import Batch


@dataclass(frozen=True)
class Outcome:
    """A model's answers for one batch.

    Attributes:
        labels: the true class of each image.
        losses: the cross-entropy of each image.
        ranks: how many classes the model rates above the true class; 0 where its first answer is right.
    """

    labels: NDArray[Any]
    losses: NDArray[np.float64]
    ranks: NDArray[Any]


def outcomes(model: Model, batches: Iterable[Batch]) -> Iterator[Outcome]:
    """Run batches through a model in inference mode; losses are taken in float64."""
    for answer, labels in model.answers(batches):
        logits = answer.astype(np.float64)
        right = logits[np.arange(len(labels)), labels]
        largest = logits.max(axis=1)
        losses = largest + np.log(np.exp(logits - largest[:, None]).sum(axis=1)) - right
        # Of classes with equal logits, the lowest number ranks first, as in argmax.
        above = (logits > right[:, None]).sum(axis=1)
        ties = (logits == right[:, None]) & (np.arange(logits.shape[1]) < labels[:, None])
        ranks = np.where(np.isfinite(right), above + ties.sum(axis=1), np.iinfo(int).max)  # NaN is no answer
        yield Outcome(labels, losses, ranks)


def evaluate(model: Model, batches: Iterable[Batch], answers: list[Outcome] | None = None) -> Score:
    """Score a model in inference mode.

    Args:
        model: the model.
        batches: images and labels.
        answers: receives the answers for each batch.

    Returns:
        The mean loss, top-1, top-5, the number of images and the seconds; the means are NaN without any image.
    """
    loss, top1, top5, count = 0.0, 0, 0, 0
    start = time.perf_counter()
    for outcome in outcomes(model, batches):
        loss += float(outcome.losses.sum())
        top1 += int((outcome.ranks < 1).sum())
        top5 += int((outcome.ranks < 5).sum())
        count += len(outcome.labels)
        if answers is not None:
            answers.append(outcome)
    if not count:
        return Score(math.nan, math.nan, math.nan, 0, 0.0)
    return Score(loss / count, top1 / count, top5 / count, count, time.perf_counter() - start)


def save_images(path: Path, answers: Iterable[Outcome]) -> None:
    """Write which images a model got right, and its loss on each; `results.images.read` reads the file.

    The file takes about four bytes an image: `right` holds eight images a byte, `losses` is float32.
    """
    found = list(answers)
    losses = np.concatenate([np.empty(0), *(outcome.losses for outcome in found)]).astype(np.float32)
    ranks = np.concatenate([np.empty(0, int), *(outcome.ranks for outcome in found)])
    with atomic_write(path) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, right=np.packbits(ranks < 1), losses=losses)
