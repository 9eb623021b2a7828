"""Checks that all engines share, of weights, devices, precisions and compile modes, and the meaning of device names."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..base.errors import LabError
from ..network.graph import Graph, show

if TYPE_CHECKING:
    from .contract import Array

TF32_OVERRIDE = "NVIDIA_TF32_OVERRIDE"
"""The variable of the environment by which the libraries of CUDA allow or forbid TF32 in a process."""


def check_weights(graph: Graph, weights: Mapping[str, Array]) -> None:
    """Check that weights have the names and the shapes that a graph needs.

    Args:
        graph: the network.
        weights: arrays by canonical name.

    Raises:
        LabError: arrays are missing or unknown, or have other shapes; the message lists the first five.
    """
    wanted = graph.parameters
    faults = [f"missing {name}" for name in wanted if name not in weights]
    faults += [f"left over {name}" for name in weights if name not in wanted]
    faults += [
        f"{name} is {show(weights[name].shape)}, not {show(parameter.shape)}"
        for name, parameter in wanted.items()
        if name in weights and weights[name].shape != parameter.shape
    ]
    if faults:
        more = f" and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise LabError(f"the weights do not fit the network: {'; '.join(faults[:5])}{more}")


def device_numbers(device: str) -> list[int]:
    """The numbers in a device name: [0] for `gpu`, [0, 1] for `gpu:0,1` and `cpu:0,1`, none for `auto` and `cpu`.

    Raises:
        LabError: the device name is not valid, or contains a number twice.
    """
    if device in ("auto", "cpu"):
        return []
    if not re.fullmatch(r"gpu(:\d+(,\d+)*)?|cpu:\d+(,\d+)+", device):
        raise LabError(
            f"unknown device '{device}' (known: auto, cpu, gpu, gpu:N, gpu:N,M for several GPUs, and cpu:N,M for "
            "several processes on the CPU)"
        )
    numbers = [int(number) for number in (device.partition(":")[2] or "0").split(",")]
    if len(set(numbers)) < len(numbers):
        raise LabError(f"the device '{device}' names a {device[:3].upper()} twice")
    return numbers


def single_devices(device: str) -> list[str]:
    """The devices that share a batch, each by its own name.

    Args:
        device: the device as the method `device` of an engine returns it.

    Returns:
        [`gpu:0`, `gpu:1`] for `gpu:0,1`; [`cpu`, `cpu`] for `cpu:0,1`; [`cpu`] for `cpu`.
    """
    if "," not in device:
        return [device]
    return [f"gpu:{number}" if device.startswith("gpu") else "cpu" for number in device_numbers(device)]


def check_norm(engine: str, norm: str, synchronised: bool) -> None:
    """Check that an engine can take the statistics of batch norm over the batch of several devices.

    Args:
        engine: the name of the engine.
        norm: the value of `train.norm`.
        synchronised: whether the engine has synchronised batch norm.

    Raises:
        LabError: synchronised batch norm is asked for, and the engine does not have it.
    """
    if norm == "synchronised" and not synchronised:
        raise LabError(f"the engine '{engine}' has no synchronised batch norm; the engine 'torch' has")


def choose_device(framework: str, wanted: str, gpus: int, why_no_gpu: str) -> tuple[str, str]:
    """Choose the device that a device name means on this machine.

    Args:
        framework: how messages call the framework.
        wanted: `auto`, `cpu`, `gpu`, `gpu:N`, `gpu:N,M` or `cpu:N,M`.
        gpus: the number of GPUs that the framework can use.
        why_no_gpu: the reason that no GPU, or no further GPU, can be used.

    Returns:
        The device (`cpu`, `gpu:0`, `gpu:0,1`, `cpu:0,1`, ...), and the reason for the choice.

    Raises:
        LabError: the device name is not valid, or a GPU that it names cannot be used.
    """
    numbers = device_numbers(wanted)
    if wanted == "auto":
        return ("gpu:0", f"{framework} has kernels for it") if gpus else ("cpu", why_no_gpu)
    if wanted.startswith("cpu"):
        return wanted, "asked for"
    if max(numbers) >= gpus:
        reason = f"{framework} sees {gpus} GPU(s)" if gpus else why_no_gpu
        raise LabError(f"the device '{wanted}' cannot be used: {reason}")
    return "gpu:" + ",".join(map(str, numbers)), "asked for"


def check_precision(engine: str, precision: str, known: Sequence[str]) -> None:
    """Check that an engine computes in a precision.

    Args:
        engine: the name of the engine.
        precision: the precision that is asked for.
        known: the precisions in which the engine computes.

    Raises:
        LabError: the engine does not compute in this precision.
    """
    if precision not in known:
        raise LabError(f"the engine '{engine}' computes in {_one_of(known)}, not in {precision}")


def check_tf32_override(precision: str) -> None:
    """Check that the environment does not force another precision upon the GPUs of this process.

    The libraries of CUDA read NVIDIA_TF32_OVERRIDE, which wins over everything that a framework sets. 0 forbids TF32.

    Args:
        precision: the precision that is asked for on a GPU.

    Raises:
        LabError: the precision is `float32` or `tf32`, and the variable is set to the opposite.
    """
    value = os.environ.get(TF32_OVERRIDE)
    if value is not None and precision == ("tf32" if value == "0" else "float32"):
        does = "forbids TF32" if value == "0" else "may turn TF32 on"
        raise LabError(
            f"the environment sets {TF32_OVERRIDE}={value}, which {does} in the whole process: unset it for the "
            f"precision '{precision}'"
        )


def check_compile(engine: str, wanted: str, known: Sequence[str]) -> None:
    """Check that the value of `compile` is `auto` or a compile mode of an engine.

    Args:
        engine: the name of the engine.
        wanted: the value of `compile`.
        known: the compile modes of the engine.

    Raises:
        LabError: the engine does not have this compile mode.
    """
    if wanted != "auto" and wanted not in known:
        raise LabError(f"'compile' of the engine '{engine}' must be {_one_of(['auto', *known])}, not {wanted}")


def _one_of(words: Sequence[str]) -> str:
    """Words as a choice: `a, b or c`."""
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
