"""Optimizers, as an experiment's `train.optimizer` states them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .identity import Outcome
from .strict import Positive, Share, Strict, _changed


class OptimizerSpec(Strict):
    """SGD or Adam; `lr` is the rate at the schedule's top, `decay` says what weight decay reaches."""

    name: Annotated[Literal["sgd", "adam"], Outcome(always=True)] = "sgd"
    lr: Positive = 0.1
    momentum: Share = 0.0
    nesterov: bool = False
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    decay: Literal["all", "weights"] = "all"
    beta1: Share = 0.9
    beta2: Share = 0.999
    epsilon: Positive = 1e-8

    @model_validator(mode="after")
    def _fits(self) -> OptimizerSpec:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")
        if self.name == "adam" and (self.momentum or self.nesterov):
            raise ValueError("momentum and nesterov belong to sgd; adam has beta1 and beta2")
        for key in ("beta1", "beta2", "epsilon"):
            if self.name != "adam" and _changed(self, key):
                raise ValueError(f"'{key}' belongs to adam, not to {self.name}")
        return self
