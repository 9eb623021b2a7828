"""Learning-rate schedules, as an experiment's `train.schedule` states them."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from .identity import Outcome
from .strict import Positive, Strict, _changed


class ScheduleSpec(Strict):
    """The learning rate over the epochs, as a share of `lr`.

    `constant`; `step`: times `factor` at each of `milestones` (epochs); `cosine`: half a cosine from 1
    to `final`. The first `warmup` epochs rise in a line from `warmup_from`.
    """

    name: Annotated[Literal["constant", "step", "cosine"], Outcome(always=True)] = "constant"
    milestones: list[Annotated[float, Field(ge=0)]] = []
    factor: Positive = 0.1
    final: Annotated[float, Field(ge=0)] = 0.0
    warmup: Annotated[float, Field(ge=0)] = 0.0
    warmup_from: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _fits(self) -> ScheduleSpec:
        if (self.name == "step") != bool(self.milestones):
            raise ValueError("the schedule 'step' and 'milestones' need each other")
        for key, owner in (("factor", "step"), ("final", "cosine")):
            if self.name != owner and _changed(self, key):
                raise ValueError(f"'{key}' belongs to the schedule '{owner}', not to '{self.name}'")
        if self.warmup_from and not self.warmup:
            raise ValueError("'warmup_from' needs a 'warmup' above 0")
        return self

    def share(self, epoch: float, epochs: int) -> float:
        """The share of `lr` at a point in time, in epochs from 0."""
        if epoch < self.warmup:
            return self.warmup_from + (1 - self.warmup_from) * epoch / self.warmup
        if self.name == "step":
            return float(self.factor ** sum(epoch >= milestone for milestone in self.milestones))
        if self.name == "cosine":
            done = (epoch - self.warmup) / max(epochs - self.warmup, 1e-9)
            return self.final + (1 - self.final) * (1 + math.cos(math.pi * min(done, 1.0))) / 2
        return 1.0
