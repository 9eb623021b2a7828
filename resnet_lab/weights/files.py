"""Files of weights as they lie on disk: arrays by the names of whoever wrote them."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.errors import LabError
from ..weights import safetensors
from . import gluon_params

TORCH_SUFFIXES = (".pt", ".pth", ".th", ".ckpt", ".bin", ".tar")
_WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "net", "params")
"""Keys under which training scripts put the weights, beside an epoch and an optimizer's state."""


@dataclass(frozen=True)
class WeightsFile:
    """The arrays of a file in its order, float32, and what it says of itself."""

    path: Path
    arrays: dict[str, NDArray[np.float32]]
    metadata: dict[str, str] = field(default_factory=dict)


def read(path: Path) -> WeightsFile:
    """A file of weights: safetensors, Gluon's `.params`, or PyTorch's (no code in it can run).

    Counters (single whole numbers, such as `num_batches_tracked`) are left out, and a prefix that all names share
    (`module.` of DataParallel) is taken off.

    Raises:
        LabError: it is missing, damaged, of another kind, or holds something else than numbers.
    """
    if not path.is_file():
        raise LabError("there is no such file of weights", file=path)
    metadata: dict[str, str] = {}
    if path.suffix == ".safetensors":
        found: Mapping[str, Any] = safetensors.load(path)
        metadata = safetensors.metadata(path)
    elif path.suffix == ".params":
        found = gluon_params.read(path)
    elif path.suffix in TORCH_SUFFIXES:
        found = _read_torch(path)
    else:
        known = ", ".join((".safetensors", ".params", *TORCH_SUFFIXES))
        raise LabError(f"is no file of weights by its name (known: {known})", file=path)
    arrays = {name: value for name, value in found.items() if value.ndim or value.dtype.kind not in "iu"}
    if not arrays:
        raise LabError("holds no weights", file=path)
    prefix = _shared_prefix(list(arrays))
    return WeightsFile(
        path, {name.removeprefix(prefix): _float(value, name, path) for name, value in arrays.items()}, metadata
    )


def _float(value: NDArray[Any], name: str, path: Path) -> NDArray[np.float32]:
    if value.dtype.name == "bfloat16":  # of the package ml_dtypes, which safetensors uses
        value = value.astype(np.float32)
    if value.dtype.kind != "f":
        raise LabError(f"'{name}' holds {value.dtype}, not floating-point weights (a quantised net?)", file=path)
    return np.ascontiguousarray(value, np.float32)


def _shared_prefix(names: list[str]) -> str:
    """`module.`, `model.` and their like, also several, where every name has them."""
    prefix = ""
    while True:
        first = {name.removeprefix(prefix).partition(".")[0] for name in names}
        longer = f"{prefix}{next(iter(first))}."
        if len(first) > 1 or any(name.removeprefix(longer).count(".") < 1 for name in names):
            return prefix
        prefix = longer


def _read_torch(path: Path) -> dict[str, NDArray[Any]]:
    if importlib.util.find_spec("torch") is None:
        raise LabError(
            "PyTorch's files are read by PyTorch, which is not installed: pip install 'resnet-lab[torch]', or save "
            "the weights as .safetensors where it is",
            file=path,
        )
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle's, zip's, PyTorch's own
        told = str(error).strip().split("\n")[0]
        if "weights_only" in str(error) or "Unsupported" in str(error):
            raise LabError(
                "is refused: it holds more than numbers, and reading that would run code out of the file; save "
                "the state_dict alone",
                file=path,
            ) from None
        raise LabError(f"cannot be read as a file of PyTorch's: {told}", file=path) from None
    content = _unwrapped(content)
    others = [name for name, value in content.items() if not isinstance(value, torch.Tensor)]
    if others or not content:
        raise LabError(f"holds no state_dict: '{others[0] if others else ''}' is no tensor", file=path)
    return {str(name): _numpy(value, str(name), path) for name, value in content.items()}


def _numpy(tensor: Any, name: str, path: Path) -> NDArray[Any]:
    """A tensor of PyTorch's; what NumPy has no type for, such as bfloat16, becomes float32."""
    try:
        plain = tensor.detach().to_dense() if tensor.is_sparse else tensor.detach()
        return (plain.float() if plain.is_floating_point() else plain).numpy()  # type: ignore[no-any-return]
    except (TypeError, RuntimeError, NotImplementedError) as error:
        raise LabError(f"'{name}' ({tensor.dtype}) holds no weights: {error}", file=path) from None


def _unwrapped(content: Any) -> dict[str, Any]:
    """The state_dict inside what a training script saved."""
    while isinstance(content, Mapping):
        inner = next((content[key] for key in _WRAPPERS if isinstance(content.get(key), Mapping)), None)
        if inner is None:
            return dict(content)
        content = inner
    return {}
