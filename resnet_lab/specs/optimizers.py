"""Optimizers, as an experiment's `train.optimizer` states them: one class each, with its settings and its update rule.

An update rule is written with the operators of arrays alone (+, -, *, /, **), so that NumPy, MXNet and PyTorch can all
run it. It is the reference that the tests hold every engine to, and an engine that has no faster kernel runs it as it
is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from .identity import Outcome
from .strict import NotNegative, Positive, Share, Strict, named_or

State = Mapping[str, Any]
"""The arrays that a rule remembers of one weight, by slot; each has the shape of the weight and starts at zero."""


class Optimizer(Strict):
    """What all optimizers have.

    Attributes:
        lr: the learning rate where the schedule is at its top.
        weight_decay: the factor of the weight decay.
        decay: which arrays decay: `all`, or only `weights` (neither the parameters of norms nor biases).
    """

    name: str
    lr: Positive = 0.1
    weight_decay: NotNegative = 0.0
    decay: Literal["all", "weights"] = "all"

    @property
    def slots(self) -> tuple[str, ...]:
        """The names of the arrays that the rule remembers of each weight."""
        raise NotImplementedError

    def decay_of(self, name: str) -> float:
        """The weight decay of the array `name`."""
        return self.weight_decay if self.decay == "all" or name.endswith(".weight") else 0.0

    def update(
        self, weight: Any, gradient: Any, state: State, rate: float, step: int, decay: float
    ) -> tuple[Any, State]:
        """One step of one weight.

        Args:
            weight: an array of NumPy, MXNet or PyTorch.
            gradient: the gradient of the loss by the weight.
            state: the remembered arrays, by slot.
            rate: the learning rate of this step; a number, or an array without dimensions on the device.
            step: the number of this step, from 1; likewise. A rule that asks `if step == 1` cannot be captured
                (docs/engines.md).
            decay: the weight decay of this weight.

        Returns:
            The new weight and the new state; the arguments are not changed.
        """
        raise NotImplementedError


class Sgd(Optimizer):
    """Stochastic gradient descent with momentum, as in He et al. 2015.

    g = gradient + weight_decay * w;  v <- momentum * v + rate * g;  w <- w - v.
    With `nesterov`: w <- w - (momentum * v + rate * g), with the new v.
    The rate stands inside v, as in the papers' Caffe and in MXNet: when the rate drops, v keeps its pace.
    """

    name: Annotated[Literal["sgd"], Outcome(always=True)] = "sgd"
    momentum: Share = 0.0
    nesterov: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Sgd:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")
        return self

    @property
    def slots(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def update(
        self, weight: Any, gradient: Any, state: State, rate: float, step: int, decay: float
    ) -> tuple[Any, State]:
        change = rate * (gradient + decay * weight)
        if not self.momentum:
            return weight - change, {}
        velocity = self.momentum * state["velocity"] + change
        return weight - (self.momentum * velocity + change if self.nesterov else velocity), {"velocity": velocity}


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015), with the weight decay added to the gradient.

    g = gradient + weight_decay * w;  m <- beta1 * m + (1 - beta1) * g;  s <- beta2 * s + (1 - beta2) * g^2;
    w <- w - rate * (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + epsilon), at step t = 1, 2, ...
    """

    name: Annotated[Literal["adam"], Outcome(always=True)] = "adam"
    beta1: Share = 0.9
    beta2: Share = 0.999
    epsilon: Positive = 1e-8

    slots: ClassVar[tuple[str, ...]] = ("mean", "square")

    def update(
        self, weight: Any, gradient: Any, state: State, rate: float, step: int, decay: float
    ) -> tuple[Any, State]:
        return _adam(self, weight, gradient + decay * weight, state, rate, step)


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019); the decay is multiplied by the rate.

    m and s as in Adam, with g = gradient;
    w <- (1 - rate * weight_decay) * w - rate * (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + epsilon).
    """

    name: Annotated[Literal["adamw"], Outcome(always=True)] = "adamw"
    beta1: Share = 0.9
    beta2: Share = 0.999
    epsilon: Positive = 1e-8

    slots: ClassVar[tuple[str, ...]] = ("mean", "square")

    def update(
        self, weight: Any, gradient: Any, state: State, rate: float, step: int, decay: float
    ) -> tuple[Any, State]:
        return _adam(self, (1 - rate * decay) * weight, gradient, state, rate, step)


class RmsProp(Optimizer):
    """RMSProp (Tieleman and Hinton 2012, lecture 6e), with the weight decay added to the gradient.

    g = gradient + weight_decay * w;  s <- smoothing * s + (1 - smoothing) * g^2;
    w <- w - rate * g / (sqrt(s) + epsilon).
    """

    name: Annotated[Literal["rmsprop"], Outcome(always=True)] = "rmsprop"
    smoothing: Share = 0.9
    epsilon: Positive = 1e-8

    slots: ClassVar[tuple[str, ...]] = ("square",)

    def update(
        self, weight: Any, gradient: Any, state: State, rate: float, step: int, decay: float
    ) -> tuple[Any, State]:
        gradient = gradient + decay * weight
        square = self.smoothing * state["square"] + (1 - self.smoothing) * gradient * gradient
        return weight - rate * gradient / (square**0.5 + self.epsilon), {"square": square}


def _adam(rule: Adam | AdamW, weight: Any, gradient: Any, state: State, rate: float, step: int) -> tuple[Any, State]:
    mean = rule.beta1 * state["mean"] + (1 - rule.beta1) * gradient
    square = rule.beta2 * state["square"] + (1 - rule.beta2) * gradient * gradient
    root = (square / (1 - rule.beta2**step)) ** 0.5 + rule.epsilon
    return weight - (rate / (1 - rule.beta1**step)) * mean / root, {"mean": mean, "square": square}


OptimizerSpec = Annotated[Sgd | Adam | AdamW | RmsProp, Field(discriminator="name"), BeforeValidator(named_or("sgd"))]
"""What `train.optimizer` may be; a new optimizer joins the union."""

OPTIMIZERS: dict[str, type[Optimizer]] = {
    kind.model_fields["name"].default: kind for kind in get_args(get_args(OptimizerSpec)[0])
}
"""Every optimizer by its name."""
