"""What `torch.cuda` offers on a pretended GPU, with which all work is finished as soon as it is asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch

from tests.engines.tape import Tape

from .tensors import GPU, OnGpu, Operations, pinned

CAPABILITY = (9, 0)
MEMORY = 8 << 30


class Stream:
    """A stream, which has nothing to wait for."""

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        self.device = GPU

    def wait_stream(self, other: Stream) -> None:
        pass

    def wait_event(self, event: Event) -> None:
        pass

    def synchronize(self) -> None:
        pass


class Event:
    """An event, which has happened as soon as it was recorded."""

    def __init__(self, enable_timing: bool = False, blocking: bool = False) -> None:
        self._recorded = False

    def record(self, stream: Stream | None = None) -> None:
        self._recorded = True

    def query(self) -> bool:
        return self._recorded

    def synchronize(self) -> None:
        pass


class Allocator:
    """The memory allocator, as before PyTorch 2.12: it waits for the end of a capture, also of one that has failed."""

    def __init__(self) -> None:
        self._pool: Any = None

    def empty_cache(self) -> None:
        if self._pool is not None:
            raise RuntimeError("captures_underway.empty() INTERNAL ASSERT FAILED")

    def begin(self, pool: Any) -> None:
        self._pool = pool

    def end(self, device: int, pool: Any) -> None:
        if pool != self._pool:
            raise RuntimeError("endAllocatePool: not currently recording to mempool_id")
        self._pool = None


class CudaGraph:
    """A captured graph: a tape of the operations on the CPU that compute its values."""

    tape: Tape

    def replay(self) -> None:
        self.tape.replay()
        Operations.current().gpu.replays += 1


@contextlib.contextmanager
def captured(
    graph: CudaGraph, pool: Any = (0, 1), stream: Stream | None = None, capture_error_mode: str = "global"
) -> Iterator[None]:
    """Takes the place of torch.cuda.graph."""
    operations = Operations.current()
    torch.cuda.empty_cache()
    torch._C._cuda_beginAllocateToPool(0, pool)
    graph.tape = operations.tape = Tape()
    with graph.tape.putting_back():
        try:
            yield
        finally:
            operations.tape = None
    torch._C._cuda_endAllocateToPool(0, pool)


@contextlib.contextmanager
def stand_ins(operations: Operations) -> Iterator[None]:
    """Put functions for the pretended GPU into the places of PyTorch's own."""
    stream, allocator = Stream(), Allocator()
    nothing = contextlib.nullcontext
    properties = SimpleNamespace(
        name="pretended GPU", total_memory=MEMORY, major=CAPABILITY[0], minor=CAPABILITY[1], multi_processor_count=1
    )
    functions = {
        "_lazy_init": lambda: None,
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "get_arch_list": lambda: [f"sm_{CAPABILITY[0]}{CAPABILITY[1]}"],
        "get_device_capability": lambda device=None: CAPABILITY,
        "get_device_name": lambda device=None: properties.name,
        "get_device_properties": lambda device=None: properties,
        "mem_get_info": lambda device=None: (MEMORY, MEMORY),
        "max_memory_allocated": lambda device=None: 0,
        "reset_peak_memory_stats": lambda device=None: None,
        "empty_cache": allocator.empty_cache,
        "graph_pool_handle": lambda: (0, 1),
        "manual_seed_all": lambda seed: None,
        "synchronize": lambda device=None: None,
        "Stream": Stream,
        "Event": Event,
        "current_stream": lambda device=None: stream,
        "default_stream": lambda device=None: stream,
        "set_stream": lambda stream: None,
        "stream": lambda stream: nothing(),
        "device": lambda device: nothing(),
        "CUDAGraph": CudaGraph,
        "graph": captured,
        "is_current_stream_capturing": lambda: operations.tape is not None,
        "default_generators": (DefaultGenerator(),),
    }
    private = {
        "_cuda_beginAllocateToPool": lambda device, pool: allocator.begin(pool),
        "_cuda_endAllocateToPool": allocator.end,
        "_cuda_releasePool": lambda device, pool: None,
        "_cuda_clearCublasWorkspaces": lambda: None,
        "_group_tensors_by_device_and_dtype": group_tensors,
    }
    before = torch.__future__.get_swap_module_params_on_conversion()
    with contextlib.ExitStack() as stack:
        for name, function in functions.items():
            stack.enter_context(mock.patch.object(torch.cuda, name, function))
        stack.enter_context(mock.patch.object(torch.Tensor, "pin_memory", pinned))
        stack.enter_context(mock.patch.object(torch, "autocast", Autocast))
        stack.enter_context(mock.patch.object(torch, "Generator", Generator))
        for name, function in private.items():
            stack.enter_context(mock.patch.object(torch._C, name, function, create=True))
        torch.__future__.set_swap_module_params_on_conversion(True)  # else a module would lose what a tensor holds
        try:
            yield
        finally:
            torch.__future__.set_swap_module_params_on_conversion(before)


class DefaultGenerator:
    """The GPU's generator of random numbers, which are those of the CPU's."""

    def get_state(self) -> torch.Tensor:
        return torch.get_rng_state()

    def graphsafe_set_state(self, state: torch.Generator) -> None:
        torch.set_rng_state(state.get_state())


class Generator(torch.Generator):
    """A generator of random numbers of the CPU, for whichever device it is asked for."""

    def __new__(cls, device: Any = "cpu") -> Generator:
        return super().__new__(cls, "cpu")


_group_tensors = torch._C._group_tensors_by_device_and_dtype


def group_tensors(lists: list[list[torch.Tensor | None]], with_indices: bool) -> Any:
    """Takes the place of the function with which optimizers group their tensors by device."""
    return {
        (GPU if isinstance(own[0][0], OnGpu) else device, kind): (own, places)
        for (device, kind), (own, places) in _group_tensors(lists, with_indices).items()
    }


class Autocast(torch.autocast):
    """Autocast of the CPU, whose operations it really is that run."""

    def __init__(self, device_type: str, *args: Any, **options: Any) -> None:
        super().__init__("cpu", *args, **options)
