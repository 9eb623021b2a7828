"""The update of weights: PyTorch's fused optimizers where one computes an optimizer's rule, else the rule itself.

PyTorch's convention for momentum is aligned with ours (specs/optimizers.py): PyTorch's momentum buffer holds b with
w <- w - rate * b, ours holds v = rate * b, so that a change of the rate would act on the velocity gathered before.
Multiplying the buffer's old value by (old rate / new rate) makes both the same; without Nesterov that costs nothing,
since it goes into the momentum factor of the step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ...specs.optimizers import Adam, AdamW, Optimizer, Sgd

if TYPE_CHECKING:
    from ..contract import Array

LEAST = 1e-20
"""Smaller rates are replaced by this rate, because the old rate is divided by the new one."""

Groups = list[dict[str, Any]]


def _sgd(rule: Sgd, groups: Groups) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, lr=0.0, momentum=rule.momentum, nesterov=rule.nesterov, fused=True)


def _adam(rule: Adam, groups: Groups) -> torch.optim.Optimizer:
    return torch.optim.Adam(groups, lr=0.0, betas=(rule.beta1, rule.beta2), eps=rule.epsilon, fused=True)


def _adamw(rule: AdamW, groups: Groups) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, lr=0.0, betas=(rule.beta1, rule.beta2), eps=rule.epsilon, fused=True)


_FUSED: dict[str, Callable[..., torch.optim.Optimizer]] = {"sgd": _sgd, "adam": _adam, "adamw": _adamw}
"""By the name of an optimizer; an optimizer that is missing here runs its own `update`."""


class Rule(torch.optim.Optimizer):
    """An optimizer's own rule as an optimizer of PyTorch.

    Attributes:
        number: the number of the next step, from 1; a number, or a tensor of no dimension.
        in_place: whether the arrays that the rule remembers keep their memory, which costs a copy.
    """

    def __init__(self, rule: Optimizer, groups: Groups) -> None:
        self.rule, self.in_place = rule, False
        self.number: Any = 0
        super().__init__(groups, {"lr": 0.0, "weight_decay": 0.0})

    def step(self, closure: None = None) -> None:
        """One update of every weight from its gradient."""
        with torch.no_grad():
            self._step()

    def _step(self) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                if not state:
                    state |= {slot: torch.zeros_like(weight) for slot in self.rule.slots}
                new, remembered = self.rule.update(
                    weight, weight.grad, state, group["lr"], self.number, group["weight_decay"]
                )
                weight.copy_(new)
                if self.in_place:
                    for slot, value in remembered.items():
                        state[slot].copy_(value)
                else:
                    state |= remembered


class Update:
    """Applies an optimizer's rule to named weights; `state` and `load` take out and put back what it remembers.

    Args:
        rule: the optimizer.
        parameters: the trained weights by canonical name.
        clip_norm: the largest norm of all gradients together; None for no limit.
        ema: the decay of the moving average of the weights; None for no average.
    """

    def __init__(
        self,
        rule: Optimizer,
        parameters: Mapping[str, torch.nn.Parameter],
        clip_norm: float | None = None,
        ema: float | None = None,
    ) -> None:
        self.rule, self._parameters, self._rate = rule, dict(parameters), 1.0
        self.clip_norm, self.ema = clip_norm, ema
        self._steps = 0
        self._average: dict[str, torch.Tensor] = {}
        by_decay: dict[float, list[torch.nn.Parameter]] = {}
        for name, parameter in parameters.items():
            by_decay.setdefault(rule.decay_of(name), []).append(parameter)
        groups: Groups = [{"params": own, "weight_decay": decay} for decay, own in by_decay.items()]
        fused = _FUSED.get(rule.name)
        self.optimizer: torch.optim.Optimizer = fused(rule, groups) if fused else Rule(rule, groups)

    def __call__(self, rate: float) -> None:
        """One update of every weight from its gradient."""
        self._steps += 1
        self._prepare_gradients()
        self._set_rate(max(rate, LEAST))
        if isinstance(self.optimizer, Rule):
            self.optimizer.number = self._steps
        self.optimizer.step()
        if self.ema is not None:
            kept = min(self.ema, (1 + self._steps) / (10 + self._steps))
            averages = list(self._average.values())
            torch._foreach_mul_(averages, kept)
            torch._foreach_add_(averages, [own.detach() for own in self._parameters.values()], alpha=1 - kept)

    def _prepare_gradients(self) -> None:
        """Start the moving average with the weights before the first step, and clip the gradients."""
        if self.ema is not None and not self._average:
            self._average = {name: own.detach().clone() for name, own in self._parameters.items()}
        if self.clip_norm is not None:
            self._clip(self.clip_norm)

    def _clip(self, largest: float) -> None:
        """Scale all gradients down so that their common norm is at most `largest`."""
        gradients = [own.grad for own in self._parameters.values() if own.grad is not None]
        norm = torch.stack(torch._foreach_norm(gradients)).norm()
        torch._foreach_mul_(gradients, (largest / norm).clamp(max=1.0))

    def _set_rate(self, rate: float) -> None:
        """Put the rate of the next step into the optimizer, and rescale the momentum if the rate has changed."""
        change, self._rate = self._rate / rate, rate
        rule = self.rule
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if isinstance(rule, Sgd) and rule.momentum:
            if not rule.nesterov:
                for group in self.optimizer.param_groups:
                    group["momentum"] = rule.momentum * change
            elif change != 1.0:
                self._scale_momentum(change)

    def _scale_momentum(self, factor: Any) -> None:
        """Multiply the momentum buffers, if there are any yet, by a number or a tensor of no dimension."""
        states = self.optimizer.state.values()
        buffers = [state["momentum_buffer"] for state in states if state.get("momentum_buffer") is not None]
        if buffers:
            torch._foreach_mul_(buffers, factor)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside the context the weights have the values of their moving average."""
        own = {name: self._parameters[name].detach().clone() for name in self._average}
        self._put(self._average)
        try:
            yield
        finally:
            self._put(own)

    def _put(self, values: Mapping[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, value in values.items():
                self._parameters[name].copy_(value)

    def state(self) -> dict[str, Array]:
        """The remembered arrays as `KEY/NAME`, the last `rate`, which they refer to, and `average/NAME`."""
        arrays: dict[str, Array] = {"rate": np.array([self._rate]), "steps": np.array([self._steps])}
        for name, parameter in self._parameters.items():
            for key, value in self.optimizer.state.get(parameter, {}).items():
                if value is not None:
                    arrays[f"{key}/{name}"] = torch.as_tensor(value).detach().cpu().numpy().copy()
        return arrays | {f"average/{name}": value.cpu().numpy().copy() for name, value in self._average.items()}

    def load(self, state: Mapping[str, Array]) -> None:
        """Go on from what `state` gave."""
        self._rate, self._steps = float(state["rate"][0]), int(state["steps"][0])
        for name, parameter in self._parameters.items():
            own: dict[str, Any] = {}
            for entry, array in state.items():
                key, _, owner = entry.partition("/")
                if owner == name:
                    value = torch.as_tensor(array).to(device=parameter.device, dtype=torch.float32).clone()
                    own[key] = value.contiguous(memory_format=torch.channels_last) if value.dim() == 4 else value
            average = own.pop("average", None)
            if average is not None:
                self._average[name] = average
            self.optimizer.state[parameter] = own
