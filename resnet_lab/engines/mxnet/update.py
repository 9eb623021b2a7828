"""The update of weights: kernels of MXNet where one computes an optimizer's rule, else the rule itself.

Gluon's Trainer would use the kernel that updates several arrays at once, which on a CPU runs at a third of the speed of
the kernel for a single array (8 against 26 GB/s where it was measured), and its state can only be saved pickled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from mxnet import nd

from ...specs.optimizers import Adam, AdamW, Optimizer, Sgd

if TYPE_CHECKING:
    from ..contract import Array


@dataclass(frozen=True)
class Weight:
    """An array of the network on one device.

    Attributes:
        value: the array that the network reads.
        gradient: its gradient; None where it is not trained.
        master: the float32 copy of a float16 value, which the updates change; None for a float32 value.
    """

    value: Any
    gradient: Any
    master: Any = None

    @property
    def exact(self) -> Any:
        """The float32 array that the updates change."""
        return self.value if self.master is None else self.master

    def set(self, array: Any) -> None:
        """Take the values of a float32 array."""
        self.value[:] = array
        if self.master is not None:
            self.master[:] = array


@dataclass(frozen=True)
class Step:
    """What a kernel needs beside the arrays: the learning rate, the step from 1, the decay, the scale of gradients."""

    rate: float
    number: int
    decay: float
    scale: float


def _sgd(rule: Sgd, weight: Any, gradient: Any, state: Mapping[str, Any], step: Step) -> None:
    common = {"out": weight, "lr": step.rate, "rescale_grad": 1 / step.scale}
    if not rule.momentum:
        nd.sgd_update(weight, gradient, wd=step.decay, **common)
    elif rule.nesterov:
        if step.decay:  # the kernel would decay the velocity by the weight that it has just changed
            gradient += step.decay * step.scale * weight
        nd.nag_mom_update(weight, gradient, state["velocity"], momentum=rule.momentum, **common)
    else:
        nd.sgd_mom_update(weight, gradient, state["velocity"], momentum=rule.momentum, wd=step.decay, **common)


def _adam(rule: Adam | AdamW, weight: Any, gradient: Any, state: Mapping[str, Any], step: Step) -> None:
    if isinstance(rule, AdamW) and step.decay:
        weight *= 1 - step.rate * step.decay
    # The kernel adds epsilon before the correction of bias; scaled, epsilon stands where the paper has it.
    first, second = 1 - rule.beta1**step.number, (1 - rule.beta2**step.number) ** 0.5
    nd.adam_update(
        weight,
        gradient,
        state["mean"],
        state["square"],
        lr=step.rate * second / first,
        beta1=rule.beta1,
        beta2=rule.beta2,
        epsilon=rule.epsilon * second,
        wd=0.0 if isinstance(rule, AdamW) else step.decay,
        out=weight,
        rescale_grad=1 / step.scale,
    )


_KERNELS: dict[str, Callable[..., None]] = {"sgd": _sgd, "adam": _adam, "adamw": _adam}
"""By the name of an optimizer; an optimizer that is missing here runs its own `update`."""


class Update:
    """Applies an optimizer's rule to named weights, and keeps what the rule remembers of each, in float32.

    Args:
        rule: the optimizer.
        weights: the trained weights by canonical name, on one device.
        scale: the factor that the loss, and so every gradient, was multiplied by.
        clip_norm: the largest norm of all gradients together; None for no limit.
        ema: the decay of the moving average of the weights; None for no average.
    """

    def __init__(
        self,
        rule: Optimizer,
        weights: Mapping[str, Weight],
        scale: float = 1.0,
        clip_norm: float | None = None,
        ema: float | None = None,
    ) -> None:
        self.rule, self.scale, self.clip_norm, self.ema = rule, scale, clip_norm, ema
        self.step = 0
        self._weights = dict(weights)
        self._decay = {name: rule.decay_of(name) for name in weights}
        self._state = {
            name: {slot: nd.zeros_like(weight.exact) for slot in rule.slots} for name, weight in weights.items()
        }
        self._average: dict[str, Any] = {}

    def __call__(self, rate: float) -> None:
        """One update of every weight from its gradient."""
        self.step += 1
        if self.ema is not None and not self._average:
            self._average = {name: weight.exact.copy() for name, weight in self._weights.items()}
        if self.clip_norm is not None:
            self._clip(self.clip_norm)
        for name, weight in self._weights.items():
            step = Step(rate, self.step, self._decay[name], self.scale)
            if weight.master is None:
                self._apply(weight.value, weight.gradient, self._state[name], step)
            else:
                self._apply_float16(weight, self._state[name], step)
        if self.ema is not None:
            kept = min(self.ema, (1 + self.step) / (10 + self.step))
            for name, average in self._average.items():
                average *= kept
                average += (1 - kept) * self._weights[name].exact

    def _clip(self, largest: float) -> None:
        """Scale all gradients down so that their common norm is at most `largest`."""
        squares = [weight.gradient.astype("float32").square().sum() for weight in self._weights.values()]
        norm = nd.add_n(*squares).sqrt() / self.scale
        factor = nd.minimum(largest / norm, 1.0)
        for weight in self._weights.values():
            gradient = weight.gradient
            gradient[:] = nd.broadcast_mul(gradient, factor.astype(gradient.dtype).reshape((1,) * gradient.ndim))

    def _apply(self, weight: Any, gradient: Any, state: dict[str, Any], step: Step) -> None:
        """One update in float32."""
        kernel = _KERNELS.get(self.rule.name)
        if kernel is not None:
            kernel(self.rule, weight, gradient, state, step)
            return
        new, remembered = self.rule.update(weight, gradient / step.scale, state, step.rate, step.number, step.decay)
        weight[:] = new
        for slot, array in remembered.items():
            state[slot][:] = array

    def _apply_float16(self, weight: Weight, state: dict[str, Any], step: Step) -> None:
        """One update of the float32 master of a float16 weight; in one kernel where MXNet has one for the rule."""
        rule = self.rule
        common = {"out": weight.value, "lr": step.rate, "wd": step.decay, "rescale_grad": 1 / step.scale}
        if isinstance(rule, Sgd) and not rule.momentum:
            nd.mp_sgd_update(weight.value, weight.gradient, weight.master, **common)
        elif isinstance(rule, Sgd) and not rule.nesterov:
            nd.mp_sgd_mom_update(
                weight.value, weight.gradient, state["velocity"], weight.master, momentum=rule.momentum, **common
            )
        else:
            self._apply(weight.master, weight.gradient.astype("float32"), state, step)
            nd.cast(weight.master, dtype="float16", out=weight.value)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside the context the weights have the values of their moving average."""
        own = {name: self._weights[name].exact.copy() for name in self._average}
        for name, average in self._average.items():
            self._weights[name].set(average)
        try:
            yield
        finally:
            for name, array in own.items():
                self._weights[name].set(array)

    def state(self) -> dict[str, Array]:
        """`step`, the remembered arrays as `SLOT/NAME`, and the moving average as `average/NAME`."""
        arrays: dict[str, Array] = {
            f"{slot}/{name}": array.asnumpy() for name, slots in self._state.items() for slot, array in slots.items()
        }
        arrays |= {f"average/{name}": array.asnumpy() for name, array in self._average.items()}
        return arrays | {"step": np.array([self.step], np.int64)}

    def load(self, state: Mapping[str, Array]) -> None:
        """Go on from what `state` gave."""
        self.step = int(state["step"][0])
        for name, slots in self._state.items():
            for slot, array in slots.items():
                array[:] = nd.array(state[f"{slot}/{name}"], ctx=array.context, dtype=array.dtype)
        if self.ema is not None and self.step:
            self._average = {
                name: nd.array(state[f"average/{name}"], ctx=weight.exact.context, dtype="float32")
                for name, weight in self._weights.items()
            }
