"""The update of weights in float16: the loss is scaled up, so that small gradients do not become zero.

Micikevicius et al. 2018, section 3.2. PyTorch's GradScaler adapts the scale: it doubles after GROWTH_INTERVAL steps in
a row with finite gradients, and halves after a step in which a gradient overflowed. That step is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..contract import FIRST_LOSS_SCALE, Diverged
from .update import Update

if TYPE_CHECKING:
    from ..contract import Array

GROWTH_INTERVAL = 2000
"""The number of steps with finite gradients after which the scale doubles."""

SMALLEST_SCALE = 2.0**-14
"""A smaller scale means that gradients would overflow float16 even if they were 16,384 times smaller."""


class ScaledUpdate(Update):
    """An update whose gradients are those of the scaled loss; the other arguments are those of Update.

    A step with a gradient that is not finite changes nothing but the scale: not the weights, not what the optimizer
    remembers, not the average, and it does not count as a step. To know this, Python waits for the device.

    Args:
        device: the device of the weights.
    """

    def __init__(self, *args: Any, device: torch.device, **options: Any) -> None:
        super().__init__(*args, **options)
        self._scale = FIRST_LOSS_SCALE
        self._scaler = torch.amp.GradScaler(device.type, init_scale=FIRST_LOSS_SCALE, growth_interval=GROWTH_INTERVAL)

    def scaled(self, loss: torch.Tensor) -> torch.Tensor:
        """The loss for the backward pass."""
        return self._scaler.scale(loss)

    def __call__(self, rate: float) -> None:
        """One update of every weight from its gradient, unless a gradient is not finite.

        Raises:
            Diverged: gradients were not finite at every scale that was tried.
        """
        self._scaler.unscale_(self.optimizer)
        self._scaler.update()
        before, self._scale = self._scale, self._scaler.get_scale()
        if self._scale >= before:
            super().__call__(rate)
        elif self._scale < SMALLEST_SCALE:
            raise Diverged(f"the gradients are not finite numbers, although the loss was multiplied by {before:g} only")

    def state(self) -> dict[str, Array]:
        """As Update.state, and `loss_scale`: the scale, and the steps since it has changed or a step was left out."""
        scaler = self._scaler.state_dict()
        return super().state() | {"loss_scale": np.array([scaler["scale"], scaler["_growth_tracker"]])}

    def load(self, state: Mapping[str, Array]) -> None:
        """Go on from what `state` gave."""
        super().load(state)
        self._scale, steps = (float(value) for value in state["loss_scale"])
        self._scaler.load_state_dict(self._scaler.state_dict() | {"scale": self._scale, "_growth_tracker": int(steps)})
