"""What a stage is given: the device, the size, the folder, and a way to record its results."""

from __future__ import annotations

import importlib.util
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from resnet_lab import engines
from resnet_lab.base import hardware
from resnet_lab.engines.contract import Engine
from resnet_lab.training.provenance import now

from .journal import Journal

PACKAGES = ("resnet-lab", "torch", "triton", "torchvision", "timm", "numpy", "pandas", "nvidia-cudnn-cu13")
"""The packages whose versions the record states."""

NO_TIME = "no time was left to prepare it"
"""The problem of a program that was left out; a later start of the rehearsal may have the time."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Job:
    """One attempt at a stage.

    Attributes:
        stage: the name of the stage.
        attempt: the number of the attempt, from 1.
        folder: the folder of the rehearsal.
        device: `cpu` or `gpu:N`.
        tiny: whether everything is as small as possible.
        until: the reading of `time.monotonic` at which the stage is ended; infinity if nothing ends it.
    """

    stage: str
    attempt: int
    folder: Path
    device: str
    tiny: bool
    until: float = math.inf

    def row(self, **values: Any) -> None:
        """Record a result at once, and print it."""
        Journal(self.folder).add("row", stage=self.stage, attempt=self.attempt, **values)
        print(" ".join(f"{key}={_short(value)}" for key, value in values.items()), flush=True)

    def size(self, tiny: Value, full: Value) -> Value:
        """The first value in a tiny rehearsal, else the second."""
        return tiny if self.tiny else full

    @property
    def engine(self) -> Engine:
        """The engine `torch`, the only one with kernels for current GPUs."""
        return engines.get("torch")

    def compile_modes(self) -> tuple[str, ...]:
        """The compile modes to compare; a tiny rehearsal and the CPU have none that compiles, which takes long."""
        if self.tiny or self.device == "cpu":
            return ("off",) if self.device == "cpu" else ("off", "step-eager")
        return tuple(mode for mode in self.engine.compile_modes if mode != "max-autotune")


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def missing(package: str) -> str:
    """Why a package cannot be compared with; '' if it is installed."""
    return "" if importlib.util.find_spec(package) else f"{package} is not installed"


def clocks() -> str:
    """Clocks (current and largest, MHz), temperature (degrees Celsius) and power (W) of the GPUs; '' without a GPU."""
    return _nvidia_smi(("clocks.sm", "clocks.mem", "clocks.max.sm", "temperature.gpu", "power.draw"))


def _nvidia_smi(keys: Sequence[str]) -> str:
    try:
        answer = subprocess.run(
            ["nvidia-smi", f"--query-gpu={','.join(keys)}", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "; ".join(answer.stdout.splitlines()) if answer.returncode == 0 else ""


def machine(revision: str = "") -> dict[str, Any]:
    """Where, when and with what a rehearsal runs.

    Args:
        revision: the git revision, for a copy of the files without git's own folder.
    """
    return {
        "started": now(),
        "revision": revision or hardware.revision(),
        "gpus": hardware.gpus(),
        "clocks": clocks(),
        "processor": hardware.processor(),
        "cores": hardware.cores(),
        "load": os.getloadavg()[0],
        "memory_gib": round(hardware.memory() / 2**30, 1),
        "python": ".".join(map(str, sys.version_info[:3])),
        "versions": {name: hardware.version(name) for name in PACKAGES if hardware.version(name)},
    }
