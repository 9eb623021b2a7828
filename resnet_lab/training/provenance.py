"""The last columns of a trial's row: where, when and with which versions it ran."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from ..base import hardware
from .trial import Place


def now() -> str:
    """The time, UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def where(
    place: Place, revision: str, packages: Sequence[str], started: str, other_load: float | None = None
) -> dict[str, Any]:
    """The columns of a results row that say where, when and with what the trial ran.

    Args:
        place: the device, the compile mode and the threads.
        revision: the git revision of the working directory, '' outside git.
        packages: the packages whose versions matter beside that of resnet-lab.
        started: the time at which the trial began, as `now` gives it.
        other_load: the processor cores that other programs used meanwhile, on average; None if not measured.
    """
    versions = {name: hardware.version(name) for name in ("resnet-lab", *packages)}
    return {
        "device": place.device,
        **({"gpu_share": place.share, "mps": hardware.mps_runs()} if place.share < 1 else {}),
        "compile": place.compile,
        "threads": hardware.threads_in_use(place.threads),
        "other_load": other_load if other_load is None else round(other_load, 2),
        "started": started,
        "revision": revision,
        "processor": hardware.processor(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "packages": " ".join(f"{name}={version}" for name, version in versions.items() if version),
    }
