"""The compile modes of the torch engine, and what torch.compile needs to work. PyTorch is imported only to compile."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...base.errors import LabError

if TYPE_CHECKING:
    import torch

COMPILE_MODES = ("off", "default", "reduce-overhead", "max-autotune", "step", "step-eager")
"""`off` does not compile. The next three are modes of torch.compile, of which the last two use CUDA graphs on a GPU.

`step` and `step-eager` make the whole training step one CUDA graph, with and without torch.compile (captured.py).
"""

WITH_CUDA_GRAPHS = ("reduce-overhead", "max-autotune")
"""The modes of torch.compile that use CUDA graphs on a GPU."""

WHOLE_STEP = {"step": "default", "step-eager": "off"}
"""For each mode with one graph for the whole step: the mode of the network alone, to which it also falls back."""


def choose(wanted: str, device: str) -> tuple[str, str]:
    """Choose the compile mode on a device.

    On a GPU, `auto` means `reduce-overhead`: it fuses the operations between convolutions, and a CUDA graph launches a
    whole pass at once. This helps if a layer takes less time than its launch (small images, small batches); otherwise
    it only needs more memory. `step` may be faster still, but nobody has measured it on a GPU yet; so `auto` does not
    choose it. On the CPU, `auto` means `off`.

    Args:
        wanted: `auto`, or one of COMPILE_MODES.
        device: the device, as the method `device` of an engine returns it.

    Returns:
        One of COMPILE_MODES, and the reason for the choice.

    Raises:
        LabError: the mode cannot work on the device.
    """
    gpu = device.startswith("gpu")
    problem = _problem(gpu)
    if wanted == "auto":
        if not gpu:
            return "off", "torch.compile was slower on the CPU"
        return ("off", problem) if problem else ("reduce-overhead", "fused, with CUDA graphs")
    if wanted in ("reduce-overhead", *WHOLE_STEP) and not gpu:
        raise LabError(f"compile '{wanted}' needs CUDA graphs, which the CPU does not have")
    if WHOLE_STEP.get(wanted, wanted) != "off" and problem:
        raise LabError(f"compile '{wanted}' cannot work here: {problem}")
    return wanted, "asked for"


def compiled(block: torch.fx.GraphModule, mode: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """Compile a block with torch.compile in one of its modes.

    Dropout draws the same random numbers as without compiling, although its kernels are then not fused. Otherwise the
    compile mode would decide which units are dropped, and so change the result of a trial by more than rounding.
    """
    import torch
    from torch._inductor import list_mode_options

    options = {**list_mode_options(mode), "fallback_random": True}
    made: Callable[[torch.Tensor], torch.Tensor] = torch.compile(block, options=options)
    return made


def _problem(gpu: bool) -> str:
    """Why torch.compile cannot work on a GPU or on the CPU of this machine; '' if it can."""
    if gpu and importlib.util.find_spec("triton") is None:
        return "torch.compile needs Triton for a GPU: pip install triton"
    # Kernels for the CPU are compiled from C++. Kernels for a GPU come from Triton, which calls them from C code.
    variable, names = (
        ("CC", ("gcc", "clang")) if gpu else ("CXX", ("clang++",) if sys.platform == "darwin" else ("g++",))
    )
    given = os.environ.get(variable)
    if any(shutil.which(name) for name in ([given] if given else names)):
        return ""
    return f"torch.compile needs a compiler, and there is no {given or ' or '.join(names)} ({variable} names another)"
