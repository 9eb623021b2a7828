"""The energy that a device uses: NVML's counter of a GPU, or RAPL's counters of the processors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import nvml

RAPL = Path("/sys/class/powercap")


def meter(device: str) -> Callable[[], float] | None:
    """Start to measure the energy of a device.

    RAPL counts the whole processors, whoever works on them, so its figure means something on a quiet machine only.

    Args:
        device: `cpu` or `gpu:N`.

    Returns:
        A function that returns the joules since the start; None if no counter can be read (RAPL is often open to the
        administrator only).
    """
    if device.startswith("gpu"):
        begin = nvml.joules(device)
        return None if begin is None else lambda: (nvml.joules(device) or begin) - begin
    counters = _counters()
    if not counters:
        return None

    def joules() -> float:
        now = _counters()
        return sum(_passed(counters[zone], now[zone], zone) for zone in counters) / 1e6

    return joules


def _counters() -> dict[Path, int]:
    """The counters in microjoules of all processor packages that can be read, by their folders."""
    found = {}
    for zone in sorted(RAPL.glob("intel-rapl:*")):
        if zone.name.count(":") == 1:  # a zone with two colons is a part of a package
            try:
                found[zone] = int((zone / "energy_uj").read_text())
            except (OSError, ValueError):
                continue
    return found


def _passed(before: int, after: int, zone: Path) -> int:
    """The microjoules between two readings; a counter that was full has begun again at 0."""
    return after - before if after >= before else after - before + int((zone / "max_energy_range_uj").read_text())
