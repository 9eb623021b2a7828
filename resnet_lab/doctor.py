"""What this machine can run, and what is missing."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

from . import __version__, engines, hardware
from .data.download import cache_folder
from .errors import LabError

_FILES = {"fashion_mnist": ("fashion-mnist", "train-images-idx3-ubyte.gz")}


def examine() -> dict[str, Any]:
    """Everything that `resnet-lab doctor` tells, as JSON values."""
    return {
        "resnet_lab": __version__,
        "machine": {
            "python": platform.python_version(),
            "executable": sys.executable,
            "processor": hardware.processor(),
            "cores": hardware.cores(),
            "memory_gib": hardware.memory() / 2**30,
        },
        "gpus": hardware.gpus(),
        "engines": [_engine(name) for name in engines.names()],
        "data": {"digits": "comes with scikit-learn", **{name: _place(*file) for name, file in _FILES.items()}},
    }


def _engine(name: str) -> dict[str, Any]:
    engine = engines.get(name)
    facts: dict[str, Any] = {"name": name, "problem": engine.problem(), "version": "", "devices": []}
    if facts["problem"] is None:
        try:
            device, why = engine.device("auto")
            way, because = engine.compiling("auto", device)
            facts |= {
                "build": engine.package(),
                "version": engine.version(),
                "devices": engine.devices(),
                "auto": device,
                "why": why,
                "compile": way,
                "why_compile": because,
                "threads": hardware.threads_in_use(),
            }
        except (ImportError, OSError, LabError) as error:  # installed, but a library of it is missing
            facts["problem"] = f"it does not import: {error}"
    return facts


def _place(folder: str, name: str) -> str:
    given = os.environ.get("RESNET_LAB_DATA")
    for place in ([Path(given)] if given else []) + [cache_folder()]:
        if (place / folder / name).is_file():
            return f"in {place / folder}"
    return "not here yet; fetched when it is first used"
