"""What `compile` means for PyTorch: torch.compile or nothing, and what torch.compile needs. Imports no PyTorch."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys

from ...base.errors import LabError

COMPILE_MODES = ("off", "default", "reduce-overhead", "max-autotune")
"""`off`: as it is written; the others are modes of torch.compile, the last two with CUDA graphs on a GPU."""

WITH_CUDA_GRAPHS = ("reduce-overhead", "max-autotune")


def choose(wanted: str, device: str) -> tuple[str, str]:
    """Which of COMPILE_MODES a word means on a device, and why.

    `auto` is `reduce-overhead` on a GPU: it fuses what lies between the convolutions, and a CUDA
    graph starts a whole pass at once, which pays wherever a layer takes less time than its launch
    (small images, small batches) and elsewhere costs some memory. On the CPU it is `off`.

    Raises:
        LabError: a way that is asked for and cannot work there.
    """
    gpu = device != "cpu"
    lacking = _lacking(gpu)
    if wanted == "auto":
        if not gpu:
            return "off", "torch.compile was slower on the CPU"
        return ("off", lacking) if lacking else ("reduce-overhead", "fused, with CUDA graphs")
    if wanted == "reduce-overhead" and not gpu:
        raise LabError("compile 'reduce-overhead' is a matter of CUDA graphs, which the CPU does not have")
    if wanted != "off" and lacking:
        raise LabError(f"compile '{wanted}' cannot work here: {lacking}")
    return wanted, "asked for"


def _lacking(gpu: bool) -> str:
    """What torch.compile needs and does not find; '' where nothing lacks."""
    if gpu and importlib.util.find_spec("triton") is None:
        return "torch.compile needs Triton for a GPU: pip install triton"
    # Kernels for the CPU are C++; Triton's, which the GPU runs, are called from a stub in C.
    variable, names = (
        ("CC", ("gcc", "clang")) if gpu else ("CXX", ("clang++",) if sys.platform == "darwin" else ("g++",))
    )
    given = os.environ.get(variable)
    if any(shutil.which(name) for name in ([given] if given else names)):
        return ""
    return f"torch.compile needs a compiler, and there is no {given or ' or '.join(names)} ({variable} names another)"
