"""A stand-in for CUDA graphs on a CPU: it records every operation of a function with its memory, and repeats it.

It keeps the rules of a CUDA graph. The recording carries nothing out: what it has changed is put back. A replay calls
no Python of the function: it repeats the recorded operations on the recorded memory, with the numbers that Python
passed at the capture. Before each replay, all memory that the function allocated is filled with NaN, so that a value of
an earlier step cannot help. To read a number of the device, or to bring one there, is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

REFUSED = ("_local_scalar_dense", "lift_fresh", "lift_fresh_copy", "nonzero", "masked_select", "equal")
"""Operations that read from the device, or that bring values of Python to it."""


class Tapes:
    """Captures functions as tapes; takes the place of CudaGraphs.

    Attributes:
        tapes: the recordings, in their order.
        plain: how many functions were carried out without a recording.
    """

    def __init__(self, device: torch.device) -> None:
        self.tapes: list[Tape] = []
        self.plain = 0

    def __call__(self, function: Callable[[], None]) -> Callable[[], None]:
        tape = Tape()
        tape.record(function)
        self.tapes.append(tape)
        return tape.replay

    def carry_out(self, function: Callable[[], None]) -> None:
        self.plain += 1
        function()


class Tape(TorchDispatchMode):
    """One recording.

    Attributes:
        calls: each operation with its arguments and its result.
        outside: for each address of memory that the function uses but has not allocated, a copy of what was there.
        replays: how often the recording was repeated.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any, Any]] = []
        self.outside: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}
        self.replays = 0
        self._inside: dict[int, torch.Tensor] = {}

    def record(self, function: Callable[[], None]) -> None:
        """Record a function, and put back all that it has changed."""
        with self.putting_back(), self:
            function()

    @contextmanager
    def putting_back(self) -> Iterator[None]:
        """At the end of the context, put back all that the recorded operations have changed, and the random numbers."""
        state = torch.get_rng_state()
        try:
            yield
        finally:
            torch.set_rng_state(state)
            for storage, copy in self.outside.values():
                storage.copy_(copy)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.add(func, args, kwargs or {})

    def add(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Carry out one operation, and record it."""
        if func._schema.name.partition("::")[2] in REFUSED:
            raise RuntimeError(f"operation not permitted when stream is capturing: {func}")
        used = _tensors((args, kwargs))
        for tensor in used:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in self._inside:
                self.outside.setdefault(storage.data_ptr(), (storage, storage.clone()))
        result = func(*args, **kwargs)
        for tensor in _tensors(result):
            if tensor.untyped_storage().data_ptr() not in self.outside:
                self._inside.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        self.calls.append((func, args, kwargs, result))
        return result

    def replay(self) -> None:
        """Repeat the recorded operations."""
        self.replays += 1
        with torch.no_grad():
            for tensor in self._inside.values():
                if tensor.is_floating_point():
                    tensor.fill_(torch.nan)
            for func, args, kwargs, result in self.calls:
                read = {tensor.untyped_storage().data_ptr() for tensor in _tensors((args, kwargs))}
                new = func(*args, **kwargs)
                for old, value in zip(_tensors(result), _tensors(new), strict=True):
                    if old.untyped_storage().data_ptr() not in read:  # else a view, or changed in place
                        old.copy_(value)


def _tensors(tree: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]
