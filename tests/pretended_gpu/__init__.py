"""A pretended GPU: tensors that say that they are on `cuda:0`, and that the CPU computes.

With it, the code for GPUs can be tested on a machine without a GPU. An operation on tensors of two devices is an error,
as on a GPU. Whenever Python would wait for a GPU, this is written down (`PretendedGpu.waits`), and it is an error while
a CUDA graph is captured. All numbers are those of the CPU, bit for bit.

What a pretended GPU cannot show: the kernels of a GPU and their rounding, its speed and memory, the order of work in
several streams, and torch.compile, which makes other code for a GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class PretendedGpu:
    """What has happened on the pretended GPU.

    Attributes:
        waits: for each time that Python would have waited for the GPU, the operation and the line that asked for it.
        replays: how often a captured CUDA graph was repeated.
    """

    waits: list[str] = field(default_factory=list)
    replays: int = 0


@contextmanager
def pretended_gpu() -> Iterator[PretendedGpu]:
    """Inside the context, PyTorch has a GPU. Models on it must not be used after the context."""
    from .runtime import stand_ins
    from .tensors import Operations

    gpu = PretendedGpu()
    operations = Operations(gpu)
    with stand_ins(operations), operations:
        yield gpu
