"""The update rules of `Optimizer`, over MXNet's kernels.

Gluon's Trainer would use the kernel that updates several arrays at once, which on a CPU runs at a
third of the speed of the one for a single array (8 against 26 GB/s where it was measured), and a
state that can only be had pickled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from mxnet import nd

from ..contract import Optimizer

if TYPE_CHECKING:
    from ..contract import Array


@dataclass(frozen=True)
class Weight:
    """An array of the network on one device: value, gradient if it is trained, float32 master if it is in float16."""

    value: Any
    gradient: Any
    master: Any = None

    @property
    def exact(self) -> Any:
        """The float32 array that the updates change."""
        return self.value if self.master is None else self.master

    def set(self, array: Any) -> None:
        """Take a float32 array."""
        self.value[:] = array
        if self.master is not None:
            self.master[:] = array


class Update:
    """Applies one rule to named weights, and keeps what the rule remembers of each, in float32.

    Args:
        weights: by canonical name, on one device.
        scale: what the loss, and so every gradient, was multiplied by.
    """

    def __init__(self, rule: Optimizer, weights: Mapping[str, Weight], scale: float = 1.0) -> None:
        self.rule, self.scale = rule, scale
        self.step = 0
        self._parts = 2 if rule.name == "adam" else int(rule.momentum > 0)
        self._weights = dict(weights)
        self._decay = {
            name: rule.weight_decay if rule.decay == "all" or name.endswith(".weight") else 0.0 for name in weights
        }
        self._state = {
            name: [nd.zeros_like(weight.exact) for _ in range(self._parts)] for name, weight in weights.items()
        }

    def __call__(self, rate: float) -> None:
        """One update of every weight from its gradient."""
        self.step += 1
        for name, weight in self._weights.items():
            if weight.master is None:
                self._apply(weight.value, weight.gradient, self._state[name], rate, self._decay[name])
            else:
                self._apply_half(weight, self._state[name], rate, self._decay[name])

    def _apply(self, weight: Any, gradient: Any, state: list[Any], rate: float, decay: float) -> None:
        """In float32."""
        rule, common = self.rule, {"out": weight, "rescale_grad": 1 / self.scale}
        if rule.name == "adam":
            # The kernel adds epsilon before the correction of bias; scaled, it stands where the paper has it.
            first, second = 1 - rule.beta1**self.step, (1 - rule.beta2**self.step) ** 0.5
            nd.adam_update(
                weight,
                gradient,
                *state,
                lr=rate * second / first,
                beta1=rule.beta1,
                beta2=rule.beta2,
                epsilon=rule.epsilon * second,
                wd=decay,
                **common,
            )
        elif not state:
            nd.sgd_update(weight, gradient, lr=rate, wd=decay, **common)
        elif rule.nesterov:
            if decay:  # the kernel would decay the velocity by the weight that it has just changed
                gradient += decay * self.scale * weight
            nd.nag_mom_update(weight, gradient, *state, lr=rate, momentum=rule.momentum, **common)
        else:
            nd.sgd_mom_update(weight, gradient, *state, lr=rate, momentum=rule.momentum, wd=decay, **common)

    def _apply_half(self, weight: Weight, state: list[Any], rate: float, decay: float) -> None:
        """On the float32 master of a float16 weight; one kernel where MXNet has one that states the rule."""
        rule, common = self.rule, {"out": weight.value, "rescale_grad": 1 / self.scale}
        if rule.name == "sgd" and not state:
            nd.mp_sgd_update(weight.value, weight.gradient, weight.master, lr=rate, wd=decay, **common)
        elif rule.name == "sgd" and not rule.nesterov:
            nd.mp_sgd_mom_update(
                weight.value,
                weight.gradient,
                *state,
                weight.master,
                lr=rate,
                momentum=rule.momentum,
                wd=decay,
                **common,
            )
        else:
            self._apply(weight.master, weight.gradient.astype("float32"), state, rate, decay)
            nd.cast(weight.master, dtype="float16", out=weight.value)

    def state(self) -> dict[str, Array]:
        """`step`, and what is remembered of each weight as `0/NAME`, `1/NAME`."""
        arrays: dict[str, Array] = {
            f"{part}/{name}": array.asnumpy() for name, parts in self._state.items() for part, array in enumerate(parts)
        }
        return arrays | {"step": np.array([self.step], np.int64)}

    def load(self, state: Mapping[str, Array]) -> None:
        """Go on from what `state` gave."""
        self.step = int(state["step"][0])
        for name, parts in self._state.items():
            for part, array in enumerate(parts):
                array[:] = nd.array(state[f"{part}/{name}"], ctx=array.context, dtype=array.dtype)
