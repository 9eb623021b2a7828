"""Learning-rate schedules, as an experiment's `train.schedule` states them: one class each, with its formula."""

from __future__ import annotations

import math
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from .identity import Outcome
from .strict import NotNegative, Positive, Strict, named_or


class Schedule(Strict):
    """What all schedules have: the first `warmup` epochs rise in a straight line from the share `warmup_from` to 1."""

    name: str
    warmup: NotNegative = 0.0
    warmup_from: NotNegative = 0.0

    @model_validator(mode="after")
    def _fits(self) -> Schedule:
        if self.warmup_from and not self.warmup:
            raise ValueError("'warmup_from' needs a 'warmup' above 0")
        return self

    def share(self, epoch: float, epochs: int) -> float:
        """The share of `lr` at a point in time.

        Args:
            epoch: the time in epochs, from 0; with a fraction inside an epoch.
            epochs: the number of epochs of the training.
        """
        if epoch < self.warmup:
            return self.warmup_from + (1 - self.warmup_from) * epoch / self.warmup
        return self.after_warmup(epoch, epochs)

    def after_warmup(self, epoch: float, epochs: int) -> float:
        """The share of `lr` at a point in time after the warm-up."""
        raise NotImplementedError


class Constant(Schedule):
    """The same learning rate throughout."""

    name: Annotated[Literal["constant"], Outcome(always=True)] = "constant"

    def after_warmup(self, epoch: float, epochs: int) -> float:
        return 1.0


class Step(Schedule):
    """The learning rate is multiplied by `factor` at each of `milestones` (epochs), as in He et al. 2015."""

    name: Annotated[Literal["step"], Outcome(always=True)] = "step"
    milestones: Annotated[list[NotNegative], Field(min_length=1)]
    factor: Positive = 0.1

    def after_warmup(self, epoch: float, epochs: int) -> float:
        return float(self.factor ** sum(epoch >= milestone for milestone in self.milestones))


class Cosine(Schedule):
    """Half a cosine from 1 to the share `final` (Loshchilov and Hutter 2017, without restarts)."""

    name: Annotated[Literal["cosine"], Outcome(always=True)] = "cosine"
    final: NotNegative = 0.0

    def after_warmup(self, epoch: float, epochs: int) -> float:
        done = (epoch - self.warmup) / max(epochs - self.warmup, 1e-9)
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * min(done, 1.0))) / 2


ScheduleSpec = Annotated[Constant | Step | Cosine, Field(discriminator="name"), BeforeValidator(named_or("constant"))]
"""What `train.schedule` may be; a new schedule joins the union."""

SCHEDULES: dict[str, type[Schedule]] = {
    kind.model_fields["name"].default: kind for kind in get_args(get_args(ScheduleSpec)[0])
}
"""Every schedule by its name."""
