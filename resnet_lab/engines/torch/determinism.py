"""PyTorch with deterministic algorithms only, for a while."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.backends import cudnn

from ...base.errors import LabError

_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
"""cuBLAS reads this variable when it first computes. PyTorch before 2.10 asks for it in its deterministic mode."""


@contextmanager
def deterministic() -> Iterator[None]:
    """Inside the context, PyTorch computes the same bits whenever it computes the same thing on the same device.

    cuDNN does not choose its algorithms by measuring them, because the fastest one differs from run to run, and neither
    does torch.compile. At the end of the context, all settings are as they were before.

    Raises:
        LabError: an operation has no deterministic form.
    """
    enabled, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark, only = cudnn.benchmark, cudnn.deterministic
    workspace = os.environ.get(_WORKSPACE)
    os.environ.setdefault(_WORKSPACE, ":4096:8")
    torch.use_deterministic_algorithms(True)
    cudnn.benchmark, cudnn.deterministic = False, True
    try:
        yield
    except RuntimeError as error:
        operation = re.search(r"(\S+) does not have a deterministic implementation", str(error))
        if operation is None:
            raise
        raise LabError(
            f"'deterministic' cannot be kept: PyTorch has no deterministic form of {operation[1]} on this device"
        ) from error
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warns)
        cudnn.benchmark, cudnn.deterministic = benchmark, only
        if workspace is None:
            os.environ.pop(_WORKSPACE, None)
