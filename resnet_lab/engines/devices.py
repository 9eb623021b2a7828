"""What engines share: the check of weights that they are given, and the meaning of a device's name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..base.errors import LabError
from ..network.graph import Graph, show

if TYPE_CHECKING:
    from .contract import Array


def check_weights(graph: Graph, weights: Mapping[str, Array]) -> None:
    """See that weights fit a graph.

    Raises:
        LabError: a short list of what is missing, left over or differently shaped.
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


def gpu_numbers(word: str) -> list[int]:
    """The GPUs that a device's word names: [0] for `gpu`, [0, 1] for `gpu:0,1`, none for `auto` and `cpu`.

    Raises:
        LabError: the word is no device, or names a GPU twice.
    """
    if word in ("auto", "cpu"):
        return []
    if not re.fullmatch(r"gpu(:\d+(,\d+)*)?", word):
        raise LabError(f"unknown device '{word}' (known: auto, cpu, gpu, gpu:N, and gpu:N,M for several)")
    numbers = [int(number) for number in (word.partition(":")[2] or "0").split(",")]
    if len(set(numbers)) < len(numbers):
        raise LabError(f"the device '{word}' names a GPU twice")
    return numbers


def check_multi_gpu(engine: str, numbers: Sequence[int], several: bool) -> None:
    """See that an engine can train on as many GPUs at once.

    Raises:
        LabError: it cannot.
    """
    if len(numbers) > 1 and not several:
        raise LabError(f"the engine '{engine}' trains on one GPU, not on {len(numbers)} at once")


def choose_device(framework: str, wanted: str, gpus: int, why_no_gpu: str) -> tuple[str, str]:
    """What `Engine.device` answers, for a `framework` that sees `gpus` usable GPUs.

    Raises:
        LabError: a GPU is asked for that is not there, or the word is no device.
    """
    numbers = gpu_numbers(wanted)
    if wanted == "auto":
        return ("gpu:0", f"{framework} has kernels for it") if gpus else ("cpu", why_no_gpu)
    if not numbers:
        return "cpu", "asked for"
    if max(numbers) >= gpus:
        sees = f"{framework} sees {gpus} GPU(s)" if gpus else why_no_gpu
        raise LabError(f"device '{wanted}' is not there: {sees}")
    return "gpu:" + ",".join(map(str, numbers)), "asked for"


def check_precision(engine: str, precision: str, known: Sequence[str]) -> None:
    """See that an engine computes in a precision.

    Raises:
        LabError: it does not.
    """
    if precision not in known:
        raise LabError(f"the engine '{engine}' computes in {' or '.join(known)}, not in {precision}")


def check_compile(engine: str, wanted: str, known: Sequence[str]) -> None:
    """See that `compile` is `auto` or a way that an engine has.

    Raises:
        LabError: it is neither.
    """
    if wanted != "auto" and wanted not in known:
        words = ["auto", *known]
        raise LabError(f"'compile' of the engine '{engine}' is {', '.join(words[:-1])} or {words[-1]}, not {wanted}")
