"""The update rules of `Optimizer`, over PyTorch's fused optimizers.

Where PyTorch's convention differs from ours (contract.py), it is aligned here: PyTorch's momentum
buffer holds b with w <- w - rate * b, ours v = rate * b, so that a change of the rate would act on
the pace gathered before. Scaling the buffer's old value by (old rate / new rate) makes them the
same; without Nesterov that costs nothing, since it goes into the momentum factor of the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..contract import Optimizer

if TYPE_CHECKING:
    from ..contract import Array

_LEAST = 1e-20
"""Rates below are taken as this: a rate of 0 could not be divided by."""


class Update:
    """Applies one rule to named weights; `state` and `load` take out and put back what it remembers."""

    def __init__(self, rule: Optimizer, parameters: Mapping[str, torch.nn.Parameter]) -> None:
        self.rule, self._parameters, self._rate = rule, dict(parameters), 1.0
        decaying = {name for name in parameters if rule.decay == "all" or name.endswith(".weight")}
        groups = [
            {
                "params": [parameter for name, parameter in parameters.items() if (name in decaying) is decays],
                "weight_decay": rule.weight_decay if decays else 0.0,
            }
            for decays in (True, False)
        ]
        groups = [group for group in groups if group["params"]]
        self.optimizer: torch.optim.Optimizer
        if rule.name == "adam":
            self.optimizer = torch.optim.Adam(
                groups, lr=0.0, betas=(rule.beta1, rule.beta2), eps=rule.epsilon, fused=True
            )
        else:
            self.optimizer = torch.optim.SGD(groups, lr=0.0, momentum=rule.momentum, nesterov=rule.nesterov, fused=True)

    def __call__(self, rate: float) -> None:
        """One update of every weight from its gradient."""
        rate = max(rate, _LEAST)
        change, self._rate = self._rate / rate, rate
        rule = self.rule
        if rule.momentum and rule.nesterov and change != 1.0:
            self._scale(change)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
            if rule.momentum and not rule.nesterov:
                group["momentum"] = rule.momentum * change
        self.optimizer.step()

    def _scale(self, factor: float) -> None:
        buffers = [
            state["momentum_buffer"]
            for state in self.optimizer.state.values()
            if state.get("momentum_buffer") is not None
        ]
        if buffers:
            torch._foreach_mul_(buffers, factor)

    def state(self) -> dict[str, Array]:
        """The optimizer's arrays as `KEY/NAME`, and the last `rate`, which they refer to."""
        arrays: dict[str, Array] = {"rate": np.array([self._rate])}
        for name, parameter in self._parameters.items():
            for key, value in self.optimizer.state.get(parameter, {}).items():
                if value is not None:
                    arrays[f"{key}/{name}"] = torch.as_tensor(value).detach().cpu().numpy().copy()
        return arrays

    def load(self, state: Mapping[str, Array]) -> None:
        """Go on from what `state` gave."""
        self._rate = float(state["rate"][0])
        for name, parameter in self._parameters.items():
            own: dict[str, Any] = {}
            for entry, array in state.items():
                key, _, owner = entry.partition("/")
                if owner == name:
                    like = {"device": parameter.device, "dtype": torch.float32}
                    own[key] = torch.as_tensor(array).to(**like).clone()
                    if own[key].dim() == 4:
                        own[key] = own[key].contiguous(memory_format=torch.channels_last)
            self.optimizer.state[parameter] = own
