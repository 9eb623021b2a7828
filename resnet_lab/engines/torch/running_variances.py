"""The running variances of batch norms, as both engines define them."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ...network.graph import Graph


class RunningVariances:
    """Corrects the running variances of batch norms to MXNet's definition, so that both engines agree.

    MXNet uses the variance v of the n values of a batch (per channel), PyTorch uses v n / (n - 1). From PyTorch's new
    running variance r' = k r + (1 - k) v n / (n - 1), with the momentum k and the old value r, MXNet's value is
    k r + (1 - k) v = r' - (r' - k r) / n. Synchronised norms compute this value themselves (group.py).
    """

    def __init__(self, graph: Graph, arrays: Mapping[str, torch.Tensor], synchronised: bool) -> None:
        batch = [node for node in graph.nodes if node.op == "norm" and node.attrs["kind"] == "batch"]
        norms = [node for node in batch if not (synchronised or node.attrs.get("frozen"))]
        self._running = [arrays[f"{node.name}.running_var"] for node in norms]
        self._kept = [node.attrs["momentum"] for node in norms]
        self._positions = [node.output[1] * node.output[2] for node in norms]
        self._old = [torch.empty_like(running) for running in self._running]

    def before(self) -> None:
        """Copy the values before a forward pass changes them."""
        if self._running:
            torch._foreach_copy_(self._old, self._running)

    def after(self, batch: int) -> None:
        """Correct the values that a forward pass over `batch` images has written."""
        if self._running:
            counts = [batch * positions for positions in self._positions]
            with torch.no_grad():
                torch._foreach_mul_(self._running, [1 - 1 / n for n in counts])
                torch._foreach_mul_(self._old, [kept / n for kept, n in zip(self._kept, counts, strict=True)])
                torch._foreach_add_(self._running, self._old)
