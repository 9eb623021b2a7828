"""One epoch of training: the loop over steps, written once for all engines."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ..engines.contract import Diverged, Model, Score, StartedStep

if TYPE_CHECKING:
    from ..data.pipeline.feed import Batch

OnStep = Callable[[int, float], None]
"""Called with the images and the loss of each step, in order, when the device has finished the step."""


def train_epoch(
    model: Model,
    batches: Iterable[Batch],
    rates: Sequence[float],
    seed: int,
    on_step: OnStep,
    label_smoothing: float = 0.0,
) -> Score:
    """Train a model for one epoch: one step for each batch.

    Steps run on the device while Python goes on: their losses are collected later, so that the device never waits for
    Python. Where labels are shares of classes, an image counts as right by its largest share.

    Args:
        model: a model that `prepare` has made ready.
        batches: images and labels.
        rates: the learning rate of each step; as many as there are batches.
        seed: of what the network itself draws (dropout).
        on_step: called for each step, when its loss is there.
        label_smoothing: the share of each label that is spread over all classes.

    Returns:
        The mean loss and the top-1 share over the epoch; top-5 is nan.

    Raises:
        Diverged: the loss of a step is not a finite number.
    """
    model.begin_epoch(seed)
    account = _Account(on_step)
    start = time.perf_counter()
    for (images, labels), rate in zip(model.on_device(batches), rates, strict=True):
        account.started.append(model.train_step(images, labels, rate, label_smoothing))
        while account.started and (len(account.started) > model.most_started or account.started[0].is_done()):
            account.collect()
    while account.started:
        account.collect()
    model.end_epoch()
    count = account.images
    return Score(account.loss / count, account.right / count, math.nan, count, time.perf_counter() - start)


class _Account:
    """The steps that were started, and the sums over those that were collected."""

    def __init__(self, on_step: OnStep) -> None:
        self._on_step = on_step
        self.started: deque[StartedStep] = deque()
        self.loss, self.right, self.images = 0.0, 0.0, 0

    def collect(self) -> None:
        """Wait for the oldest step, and add its loss."""
        loss, right, images = self.started.popleft().wait()
        if not math.isfinite(loss):
            raise Diverged(f"the training loss became {loss} after {self.images} images of the epoch")
        self.loss += loss * images
        self.right += right
        self.images += images
        self._on_step(images, loss)
