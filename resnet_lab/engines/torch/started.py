"""Results that a device may still be working on."""

from __future__ import annotations

import torch


class Arriving:
    """A tensor that is being copied to the host; Python goes on meanwhile.

    Args:
        values: the tensor.
        gpu: whether it is on a GPU; one on the CPU has arrived already.
    """

    def __init__(self, values: torch.Tensor, gpu: bool) -> None:
        self._values, self._event = values, None
        if gpu:
            self._values = values.to("cpu", non_blocking=True)
            self._event = torch.cuda.Event()
            # Without a stream, PyTorch would take that of the first GPU, whichever has computed the values.
            self._event.record(torch.cuda.current_stream(values.device))

    def is_there(self) -> bool:
        """Whether the device has finished all that it began before the copy, and the copy."""
        return self._event is None or bool(self._event.query())

    def wait(self) -> torch.Tensor:
        """Wait for the device; returns the tensor on the CPU."""
        if self._event is not None:
            self._event.synchronize()
        return self._values


class Started:
    """A started step; engines/contract.py describes the methods.

    Args:
        values: the loss, the number of correctly classified images and the number of images: (3,), or (count, 3) for
            several replicas of a network (replicas.py).
        gpu: whether they are on a GPU.
    """

    def __init__(self, values: torch.Tensor, gpu: bool) -> None:
        self._values = Arriving(values, gpu)

    def is_done(self) -> bool:
        """Whether the device has finished the step."""
        return self._values.is_there()

    def wait(self) -> tuple[float, float, int]:
        """Wait for the device; returns the batch's mean loss, its correctly classified images, and all its images."""
        losses, right, images = zip(*self.scores(), strict=True)
        return sum(losses) / len(losses), sum(right), int(sum(images))

    def scores(self) -> list[tuple[float, float, float]]:
        """Wait for the device; returns the values of `wait` for each replica (replicas.py) of the network."""
        return [(loss, right, images) for loss, right, images in self._values.wait().view(-1, 3).tolist()]
