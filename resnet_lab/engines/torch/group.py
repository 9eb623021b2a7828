"""The processes that train one model together: torch.distributed with gloo on the CPU, and with NCCL on GPUs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import torch
from torch import distributed, nn

from ..contract import Rank

_PATIENCE = timedelta(days=1)
"""How long a process waits for the others; the first process evaluates, and writes checkpoints, while they wait."""


class Group:
    """Adds up what the processes have computed of one batch. Every process must call the same methods in order.

    Args:
        rank: the place of this process.
        device: its device.
    """

    def __init__(self, rank: Rank, device: torch.device) -> None:
        self.rank = rank
        if device.type == "cuda":
            torch.cuda.set_device(device)
        elif sys.platform == "linux":  # All processes are on this machine, whatever network its name belongs to.
            os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        distributed.init_process_group(
            "nccl" if device.type == "cuda" else "gloo",
            init_method=f"tcp://{rank.address}",
            rank=rank.number,
            world_size=rank.count,
            timeout=_PATIENCE,
        )

    def combine(self, gradients: Iterable[torch.Tensor | None], score: torch.Tensor) -> torch.Tensor:
        """Replace each gradient by the gradient of the mean loss over the whole batch.

        Args:
            gradients: those of the sum of the losses over the part of this process; None is left out.
            score: (3,), of the part of this process: the sum of the losses, the number of correctly classified images
                and the number of images.

        Returns:
            The same of the whole batch, with the mean of the losses instead of the sum.
        """
        own = [gradient for gradient in gradients if gradient is not None]
        *whole, (loss, right, images) = _summed([*own, score])
        for gradient, sum_over_all in zip(own, whole, strict=True):
            torch.div(sum_over_all, images, out=gradient)
        return torch.stack([loss / images, right, images])

    def average(self, arrays: Sequence[torch.Tensor]) -> None:
        """Replace each array by its mean over all processes.

        In float64 the mean of equal float32 numbers is that number, so frozen norms do not change.
        """
        if arrays:
            for array, whole in zip(arrays, _summed([array.double() for array in arrays]), strict=True):
                array.copy_(whole / self.rank.count)


def _summed(arrays: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The sums of arrays over all processes, in one message."""
    flat = torch.cat([array.flatten() for array in arrays])
    distributed.all_reduce(flat)
    parts = flat.split([array.numel() for array in arrays])
    return [part.view(array.shape) for part, array in zip(parts, arrays, strict=True)]


class _SumOfAll(torch.autograd.Function):
    """The sum of a tensor over all processes, through which gradients flow back to each of them."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


class SynchronisedBatchNorm(nn.BatchNorm2d):
    """Batch norm with the statistics of the whole batch, of which each process holds a part.

    nn.SyncBatchNorm does not work on the CPU. The running variance is MXNet's: the sum of squares is divided by the
    number n of values, not by n - 1.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(x)
        values = x.float()
        count = values.new_full((1,), x.numel() / x.shape[1])
        sums = _SumOfAll.apply(torch.cat([values.sum((0, 2, 3)), count]))
        mean = sums[:-1] / sums[-1]
        centred = values - mean[:, None, None]
        variance = _SumOfAll.apply(centred.square().sum((0, 2, 3))) / sums[-1]
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance, self.momentum)
        y = centred * torch.rsqrt(variance + self.eps)[:, None, None]
        if self.affine:
            y = y * self.weight[:, None, None] + self.bias[:, None, None]
        return y.to(x.dtype)
