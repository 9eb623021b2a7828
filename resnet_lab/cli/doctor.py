"""What this machine can run, and what is missing."""

from __future__ import annotations

import platform
import sys
from typing import Any

from .. import __version__, engines
from ..base import hardware
from ..base.errors import LabError
from ..data import DATASETS
from ..data.formats.download import chosen, present


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
        "data": {"digits": "comes with scikit-learn", **_data()},
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


def _data() -> dict[str, str]:
    """Where the files of each dataset that has some are."""
    places = {}
    for source in DATASETS.entries.values():
        found = [path for file in source.files if (path := present(source.folder, chosen(source.folder, file)))]
        if found and len(found) == len(source.files):
            places[source.name] = f"in {found[0].parent}"
        elif source.files:
            offered = all(file.url for file in source.files)
            places[source.name] = "not here yet; " + (
                "fetched when it is first used" if offered else "nobody offers it for download"
            )
    return places
