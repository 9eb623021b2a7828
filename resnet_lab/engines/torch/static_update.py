"""The update of weights in a form that a CUDA graph can repeat: what differs between steps lies in tensors.

A CUDA graph repeats the same operations on the same memory. Python does not run again, so that each number that Python
passed to an operation stays what it was at the capture.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from ...specs.optimizers import Sgd
from .update import LEAST, Rule, Update

if TYPE_CHECKING:
    from ..contract import Array


class StaticUpdate(Update):
    """As `Update`, with the rate, the last rate and the number of the step in tensors that keep their memory.

    On the CPU, the results equal those of `Update` bit for bit, with one exception: SGD with momentum and without
    Nesterov. There `Update` puts a change of the rate into the momentum factor of the fused kernel, which takes only a
    Python number. This class multiplies the momentum buffers by the change, which rounds each of them once more. As
    long as the rate stays the same, the change is 1, and nothing is rounded.

    PyTorch's fused optimizers read the rate as float32 on a GPU, and as float64 on the CPU.

    The arguments are those of Update.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        device = next(iter(self._parameters.values())).device
        self._next_rate, self._last_rate = (torch.ones((), dtype=torch.float64, device=device) for _ in range(2))
        self._number = torch.zeros((), dtype=torch.float64, device=device)
        self._put_rate = 1.0
        self._lr = torch.ones((), dtype=torch.float32 if device.type == "cuda" else torch.float64, device=device)
        for group in self.optimizer.param_groups:
            group["lr"] = self._lr
            if "capturable" in group:
                group["capturable"] = True
        # Adam would warn about the first steps, which are not captured.
        self.optimizer._warned_capturable_if_run_uncaptured = True
        if isinstance(self.optimizer, Rule):
            self.optimizer.number, self.optimizer.in_place = self._number, True

    def put(self, rate: float) -> None:
        """Write the rate of the next step into its tensor; an unchanged rate is not written again."""
        rate = max(rate, LEAST)
        if rate != self._put_rate:
            self._next_rate.fill_(rate)
            self._put_rate = rate

    def apply(self) -> None:
        """One update of every weight from its gradient, with the rate that lies in the tensor."""
        with torch.no_grad():
            self._number.add_(1)
            self._prepare_gradients()
            if isinstance(self.rule, Sgd) and self.rule.momentum:
                self._scale_momentum((self._last_rate / self._next_rate).float())
            self._last_rate.copy_(self._next_rate)
            self._lr.copy_(self._next_rate)
            self.optimizer.step()
            if self.ema is not None:
                self._follow(self.ema)

    def __call__(self, rate: float) -> None:
        """One update of every weight from its gradient."""
        self.put(rate)
        self.apply()

    def _follow(self, decay: float) -> None:
        """Move the average of the weights towards the weights."""
        kept = ((1 + self._number) / (10 + self._number)).clamp(max=decay)
        averages = list(self._average.values())
        torch._foreach_mul_(averages, kept.float())
        # `addcmul` rounds once, as `add` with a factor does.
        own = [parameter.detach() for parameter in self._parameters.values()]
        torch._foreach_addcmul_(averages, own, [(1 - kept).float()] * len(own))

    def state(self) -> dict[str, Array]:
        """The remembered arrays, as `Update.state` returns them."""
        self._rate, self._steps = float(self._last_rate), int(self._number)
        return super().state()

    def load(self, state: Mapping[str, Array]) -> None:
        """Go on from what `state` gave. Arrays move to other memory: a graph that was captured before is not valid."""
        super().load(state)
        self._last_rate.fill_(self._rate)
        self._number.fill_(self._steps)
