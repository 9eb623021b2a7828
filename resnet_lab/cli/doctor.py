"""`resnet-lab doctor`: what this machine can run, and what is missing."""

from __future__ import annotations

import json
import platform
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import __version__
from ..base.errors import LabError

if TYPE_CHECKING:
    from ..engines.contract import Engine


def command(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Say what this machine can run, and what is missing, with the command that installs it.

    Example: `resnet-lab doctor`
    """
    facts = examine()
    print(json.dumps(facts, indent=1) if as_json else report(facts))


def examine() -> dict[str, Any]:
    """Collect what `resnet-lab doctor` reports: the machine, its GPUs, the engines and the datasets, as JSON values."""
    from .. import engines
    from ..base import hardware
    from ..data.formats.decode import chosen_decoder

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
        "decoder": chosen_decoder("auto"),
        "data": {"digits": "comes with scikit-learn", **_data()},
    }


def _engine(name: str) -> dict[str, Any]:
    from .. import engines
    from ..base import hardware

    engine = engines.get(name)
    facts: dict[str, Any] = {"name": name, "problem": engine.problem(), "version": "", "devices": []}
    if facts["problem"] is None:
        try:
            device, why = engine.device("auto")
            mode, why_compile = engine.compiling("auto", device)
            facts |= {
                "build": engine.package(),
                "version": engine.version(),
                "devices": engine.devices(),
                "precisions": {device: _precisions(engine, device) for device in engine.devices()},
                "auto": device,
                "why": why,
                "compile": mode,
                "why_compile": why_compile,
                "threads": hardware.threads_in_use(),
            }
        except (
            ImportError,
            OSError,
            LabError,
        ) as error:  # the package is installed, but a library that it needs is missing
            facts["problem"] = f"its import fails: {error}"
    return facts


def _precisions(engine: Engine, device: str) -> list[str]:
    """The precisions in which an engine computes on a device."""
    found = []
    for precision in engine.precisions:
        with suppress(LabError):
            engine.check_precision(precision, device)
            found.append(precision)
    return found


def _data() -> dict[str, str]:
    """Say for each dataset with files where the files are, or how to get them."""
    from ..data import DATASETS
    from ..data.formats.download import chosen, present

    places = {}
    for source in DATASETS.entries.values():
        paths = [path for file in source.files if (path := present(source.folder, chosen(source.folder, file)))]
        if paths and len(paths) == len(source.files):
            places[source.name] = f"in {paths[0].parent}"
        elif source.files and all(file.url for file in source.files):
            places[source.name] = "not on this machine; downloaded when it is first used"
        elif source.files:
            places[source.name] = (
                "not on this machine, and nobody offers it for download; "
                f"'resnet-lab data fetch {source.name}' says where to put its files"
            )
    return places


def report(facts: dict[str, Any]) -> str:
    """The facts of `examine` as lines for reading."""
    machine = facts["machine"]
    lines = [
        f"resnet-lab {facts['resnet_lab']}, Python {machine['python']} at {machine['executable']}",
        f"{machine['processor']}, {machine['cores']} core(s) for this process, "
        f"{machine['memory_gib']:.1f} GiB of memory",
    ]
    for gpu in facts["gpus"]:
        lines.append(
            f"GPU {gpu['name']}, compute capability {gpu['capability']}, {gpu['memory']}, driver {gpu['driver']}"
        )
    if not facts["gpus"]:
        lines.append("no NVIDIA GPU is visible (nvidia-smi lists none)")
    for engine in facts["engines"]:
        if engine["problem"]:
            lines.append(f"engine {engine['name']} cannot run here: {engine['problem']}")
            continue
        devices, build = ", ".join(engine["devices"]), engine["build"] or "not installed from a wheel"
        lines.append(
            f"engine {engine['name']} {engine['version']} ({build}): devices {devices}; "
            f"--device auto means {engine['auto']} ({engine['why']}); "
            f"compile: auto means {engine['compile']} ({engine['why_compile']}); {engine['threads']} thread(s)"
        )
        for device, precisions in engine["precisions"].items():
            lines.append(f"engine {engine['name']} on {device}: precision {', '.join(precisions)}")
    lines.append(
        f"stored pictures: decoder auto means {facts['decoder']}"
        + ("" if facts["decoder"] == "fast" else "; a faster one comes with pip install 'resnet-lab[fast]'")
    )
    return "\n".join([*lines, *(f"data {name}: {place}" for name, place in facts["data"].items())])
