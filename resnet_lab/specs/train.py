"""How a network is trained: the training recipe of an experiment's `train`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, model_validator

from .identity import Outcome
from .optimizers import OptimizerSpec, Sgd
from .schedules import Constant, ScheduleSpec
from .strict import Positive, Share, Strict, Whole


def covering(names: Iterable[str]) -> list[str]:
    """The same parts, each once and in order: what lies in another that is named is left out."""
    several = sorted(set(names))
    return [name for name in several if not any(name.startswith(f"{other}.") for other in several)]


class InitSpec(Strict):
    """How weights start (weights.py): `last_scale: zero` lets each residual branch begin at zero.

    `weights` names a file to start from, or `gluon`; of it, `fresh` parts are drawn anew (finetune.py).
    """

    weight: Literal["msra", "xavier"] = "msra"
    fan: Literal["in", "out", "avg"] = "in"
    distribution: Literal["normal", "uniform"] = "normal"
    last_scale: Literal["one", "zero"] = "one"
    weights: str | None = None
    fresh: Annotated[list[str], Outcome(normalise=covering)] = []

    @model_validator(mode="after")
    def _fits(self) -> InitSpec:
        if self.weights is None and self.fresh:
            raise ValueError("'fresh' parts need 'weights' to differ from")
        if self.weights is not None and self.last_scale != "one":
            raise ValueError("'last_scale' is for nets that start without 'weights'")
        return self


class TrainSpec(Strict):
    """A training recipe; a batch that the epoch's end leaves incomplete is not trained on."""

    epochs: Whole
    batch_size: Whole
    optimizer: OptimizerSpec = Sgd()
    schedule: ScheduleSpec = Constant()
    init: InitSpec = InitSpec()
    label_smoothing: Share = 0.0
    freeze: Annotated[list[str], Outcome(normalise=covering)] = []
    """Parts that training leaves alone: stem, stage1, stage1.block1, ..."""

    clip_norm: Positive | None = None
    """The largest norm of all gradients together; larger gradients are scaled down to it (Pascanu et al. 2013)."""

    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The decay of a moving average of the weights, which is what is evaluated and saved.

    average <- d * average + (1 - d) * weights after each step t = 1, 2, ..., with d = min(ema, (1 + t) / (10 + t)), so
    that a short training is not held at its start. Running statistics of norms are not averaged.
    """

    norm: Literal["local", "synchronised"] = "local"
    """The images over which batch norm takes its statistics where several devices share a batch.

    `local`: those of its own part of the batch, for each device; `synchronised`: those of the whole batch.
    """

    test_every: Annotated[Whole | None, Outcome(decides=False)] = None
    """Test the network after every so many epochs, too, for a curve; the training does not depend on it."""

    def rates(self, epoch: int, steps: int) -> list[float]:
        """The learning rate of every step of an epoch (from 0)."""
        return [self.optimizer.lr * self.schedule.share(epoch + step / steps, self.epochs) for step in range(steps)]
