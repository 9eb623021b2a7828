"""What NVIDIA's management library (NVML) says about a GPU: the energy that it has used, and why its clock is slow.

The library belongs to the driver; it is called through ctypes, without a package.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any

_THROTTLED = 0x04 | 0x08 | 0x20 | 0x40 | 0x80
"""The reasons that lower the clock against the wish of a program (nvml.h, nvmlClocksThrottleReasons): the power cap,
and slow-downs of the hardware or the software by heat or by the power brake. An idle clock is none of them."""


@cache
def _library() -> Any:
    """The library, ready for use; None on a machine without NVIDIA's driver."""
    try:
        library = ctypes.CDLL("libnvidia-ml.so.1")
        return library if library.nvmlInit_v2() == 0 else None
    except (OSError, AttributeError):
        return None


def _handle(device: str) -> Any:
    """The handle of a device such as `gpu:0`, which CUDA_VISIBLE_DEVICES may have renumbered; None where unknown."""
    library = _library()
    if library is None or not device.startswith("gpu"):
        return None
    number = int(device.partition(":")[2] or 0)
    names = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    name = names[number] if number < len(names) else str(number)
    handle = ctypes.c_void_p()
    if name.isdecimal():
        failed = library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(int(name)), ctypes.byref(handle))
    else:
        failed = library.nvmlDeviceGetHandleByUUID(name.encode(), ctypes.byref(handle))
    return None if failed else handle


def _read(device: str, function: str) -> int | None:
    """The 64-bit number that a function of the library gives for a device; None where it gives none."""
    handle = _handle(device)
    if handle is None:
        return None
    value = ctypes.c_ulonglong()
    failed = getattr(_library(), function)(handle, ctypes.byref(value))
    return None if failed else value.value


def joules(device: str) -> float | None:
    """The energy in joules that a GPU has used since its driver was loaded; None where it cannot be read."""
    millijoules = _read(device, "nvmlDeviceGetTotalEnergyConsumption")
    return None if millijoules is None else millijoules / 1000


def throttled(device: str) -> bool | None:
    """Whether heat or a limit of power lowers the clock of a GPU now; None where it cannot be read."""
    reasons = _read(device, "nvmlDeviceGetCurrentClocksThrottleReasons")
    return None if reasons is None else bool(reasons & _THROTTLED)
