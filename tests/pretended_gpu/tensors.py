"""The tensors of a pretended GPU, and the rules of its operations."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from tests.engines.tape import Tape

from . import PretendedGpu

GPU, CPU = torch.device("cuda:0"), torch.device("cpu")

WAITS = frozenset({"_local_scalar_dense", "is_nonzero", "equal", "nonzero", "masked_select", "_unique2", "bincount"})
"""Operations whose result, or its shape, Python must know at once, so that it waits for the GPU."""

_ROOT = Path(__file__).resolve().parents[2]
_OURS = re.compile(rf"{re.escape(str(_ROOT))}/(resnet_lab|tests)/(?!pretended_gpu/tensors)")

_PINNED = "_is_pinned_here"
"""An attribute of tensors on the CPU that `pin_memory` has returned."""

_HOMELESS = "_was_made_by_the_backward_pass"
"""An attribute of tensors that the backward pass has made from nothing, by C++ code that knows no pretended GPU."""


class OnGpu(torch.Tensor):
    """A tensor that says that it is on the GPU.

    Attributes:
        held: the tensor on the CPU that has its values.
    """

    held: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> OnGpu:
        made: OnGpu = torch.Tensor._make_wrapper_subclass(
            cls, held.size(), strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype, device=CPU
        )
        made.held = held
        return made

    device = property(lambda self: GPU)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)

    def __repr__(self, **options: Any) -> str:
        return f"OnGpu({self.held})"

    def to(self, *args: Any, **options: Any) -> torch.Tensor:
        """As Tensor.to; PyTorch's own C++ code would see no reason to copy a tensor from here to the CPU."""
        options.pop("copy", None)
        device, dtype, non_blocking, layout = torch._C._nn._parse_to(*args, **options)
        if device is None or device.type != "cpu":
            return super().to(dtype=dtype or self.dtype, memory_format=layout or torch.preserve_format)
        if not non_blocking:
            Operations.current().wait("to the CPU")
        elif Operations.current().tape is not None:
            raise RuntimeError("operation not permitted when stream is capturing: to the CPU")
        layout = layout or torch.preserve_format
        return self.held.detach().to(dtype=dtype or self.dtype, copy=True, memory_format=layout)

    def cpu(self, memory_format: torch.memory_format = torch.preserve_format) -> torch.Tensor:
        return self.to("cpu", memory_format=memory_format)

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def numpy(self, *, force: bool = False) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first")

    def pin_memory(self, device: Any = None) -> torch.Tensor:
        raise RuntimeError("cannot pin 'torch.cuda.FloatTensor' only dense CPU tensors can be pinned")

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return Operations.current()(func, args, kwargs or {})


class Operations(TorchDispatchMode):
    """Carries out all operations of a program with a pretended GPU.

    Attributes:
        tape: the recording of the CUDA graph that is being captured; None if there is none.
    """

    _current: Operations | None = None

    def __init__(self, gpu: PretendedGpu) -> None:
        super().__init__()
        self.gpu = gpu
        self.tape: Tape | None = None

    @classmethod
    def current(cls) -> Operations:
        """The operations of the pretended GPU that is in use."""
        if cls._current is None:
            raise RuntimeError("the pretended GPU is not there any more")
        return cls._current

    def __enter__(self) -> Operations:
        Operations._current = self
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        Operations._current = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self(func, args, kwargs or {})

    def __call__(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Carry out one operation of PyTorch, by the rules of a GPU."""
        name = func._schema.name.partition("::")[2]
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        here = [tensor for tensor in tensors if isinstance(tensor, OnGpu)]
        device = kwargs.get("device")
        if not here and (device is None or device.type == "cpu"):
            made = func(*args, **kwargs)
            if not tensors and torch._C._current_graph_task_id() != -1:  # a backward pass is running
                setattr(made, _HOMELESS, True)
            return made
        if name in ("copy_", "_to_copy"):
            self._check_copy(name, args, kwargs)
        else:
            self._check(name, tensors, args)
        stays = name == "copy_" and not isinstance(args[0], OnGpu)
        if device is not None:
            kwargs = {**kwargs, "device": CPU}
        own_args, own_kwargs = tree_map(_held, (args, kwargs))
        result = self.tape.add(func, own_args, own_kwargs) if self.tape else func(*own_args, **own_kwargs)
        known = {id(tensor.held): tensor for tensor in here}  # what an operation changes in place is the same tensor
        return args[0] if stays else tree_map(lambda leaf: _on_gpu(leaf, known), result)

    def wait(self, operation: str) -> None:
        """Write down that Python waits for the GPU.

        Raises:
            RuntimeError: a CUDA graph is being captured.
        """
        if self.tape is not None:
            raise RuntimeError(f"operation not permitted when stream is capturing: {operation}")
        callers = (frame for frame in reversed(traceback.extract_stack()) if _OURS.match(frame.filename))
        caller = next(callers, None)
        self.gpu.waits.append(f"{operation} ({Path(caller.filename).name}:{caller.lineno})" if caller else operation)

    def _check(self, name: str, tensors: list[torch.Tensor], args: Any) -> None:
        """Check that the tensors of an operation are on one device, and whether Python must wait for its result."""
        away = [each for each in tensors if not isinstance(each, OnGpu) and each.ndim and not hasattr(each, _HOMELESS)]
        if away and len(away) < len(tensors):
            raise RuntimeError(f"Expected all tensors to be on the same device, but found cuda:0 and cpu: {name}")
        masks = name in ("index", "index_put", "index_put_", "_index_put_impl_") and any(
            each is not None and each.dtype in (torch.bool, torch.uint8) for each in args[1]
        )
        if name in WAITS or masks:
            self.wait(f"{name} with a mask" if masks else name)

    def _check_copy(self, name: str, args: Any, kwargs: dict[str, Any]) -> None:
        """Find out whether Python must wait for a copy between the GPU and the CPU."""
        source, to_gpu = (args[0], True) if name == "_to_copy" else (args[1], isinstance(args[0], OnGpu))
        from_gpu = isinstance(source, OnGpu)
        if (
            from_gpu and to_gpu
        ):  # This includes code in C++ that copies "to the CPU", where it believes the tensor to be.
            return
        if to_gpu and self.tape is not None:
            raise RuntimeError("operation not permitted when stream is capturing: a copy from the CPU")
        non_blocking = kwargs.get("non_blocking", args[2] if len(args) > 2 else False)
        if not non_blocking or not hasattr(source if to_gpu else args[0], _PINNED):
            self.wait(f"a copy {'from' if to_gpu else 'to'} the CPU")


def pinned(tensor: torch.Tensor, device: Any = None) -> torch.Tensor:
    """Takes the place of Tensor.pin_memory for tensors on the CPU."""
    copy = tensor.clone()
    setattr(copy, _PINNED, True)
    return copy


def _held(leaf: Any) -> Any:
    return leaf.held if isinstance(leaf, OnGpu) else leaf


def _on_gpu(leaf: Any, known: dict[int, OnGpu]) -> Any:
    if not isinstance(leaf, torch.Tensor):
        return leaf
    return known[id(leaf)] if id(leaf) in known else OnGpu(leaf)
