"""What engines share: the check of weights that they are given, and the meaning of a device's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..errors import LabError
from ..graph import Graph, show

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


def choose_device(engine: str, wanted: str, gpus: int, why_no_gpu: str) -> tuple[str, str]:
    """What `Engine.device` answers, for an engine that sees `gpus` usable GPUs.

    Raises:
        LabError: a GPU is asked for that is not there, or the word is no device.
    """
    if wanted == "cpu":
        return "cpu", "asked for"
    if wanted == "auto":
        return ("gpu:0", f"{engine} has kernels for it") if gpus else ("cpu", why_no_gpu)
    kind, _, number = wanted.partition(":")
    if kind != "gpu" or (number and not number.isdigit()) or wanted == "gpu:":
        raise LabError(f"unknown device '{wanted}' (known: auto, cpu, gpu, gpu:N)")
    if int(number or 0) >= gpus:
        raise LabError(f"device '{wanted}' is not there: " + (f"{engine} sees {gpus} GPU(s)" if gpus else why_no_gpu))
    return f"gpu:{number or 0}", "asked for"


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
        ways = ["auto", *known]
        raise LabError(f"'compile' of the engine '{engine}' is {', '.join(ways[:-1])} or {ways[-1]}, not {wanted}")
