"""Whether heat lowers the clock of a device: Linux's counters of processors, and NVML for GPUs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import nvml

CORES = Path("/sys/devices/system/cpu")


def watch(device: str) -> Callable[[], bool]:
    """Begin to watch the clock of a device.

    Args:
        device: `cpu` or `gpu:N`.

    Returns:
        A function that returns whether heat (on a GPU also a limit of power) has lowered the clock since then; on a
        GPU whether it does so now. False where the machine does not say.
    """
    if device.startswith("gpu"):
        return lambda: bool(nvml.throttled(device))
    before = _events()
    return lambda: _events() > before


def _events() -> int:
    """How often heat has lowered the clock of a core, over all cores; 0 where the machine does not say."""
    total = 0
    for counter in CORES.glob("cpu*/thermal_throttle/core_throttle_count"):
        try:
            total += int(counter.read_text())
        except (OSError, ValueError):
            continue
    return total
