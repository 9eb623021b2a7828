"""Where, when and with what a trial ran: the last columns of its row."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from ..base import hardware


def now() -> str:
    """The time, UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def where(
    device: str, compile: str, threads: int, revision: str, packages: Sequence[str], started: str
) -> dict[str, Any]:
    """The columns; `packages` are those whose versions matter beside our own."""
    versions = {name: hardware.version(name) for name in ("resnet-lab", *packages)}
    return {
        "device": device,
        "compile": compile,
        "threads": hardware.threads_in_use(threads),
        "started": started,
        "revision": revision,
        "processor": hardware.processor(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "packages": " ".join(f"{name}={version}" for name, version in versions.items() if version),
    }
