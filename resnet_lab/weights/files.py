"""Weights files as other programs wrote them: their arrays and their metadata."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.errors import LabError
from ..data.formats import download
from . import gluon_params, safetensors

TORCH_SUFFIXES = (".pt", ".pth", ".th", ".ckpt", ".bin", ".tar")
_WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "net", "params")
"""Keys under which training scripts store the weights, next to the epoch and the optimizer's state."""


@dataclass(frozen=True)
class WeightsFile:
    """A weights file that was read.

    Attributes:
        path: The file.
        arrays: The arrays in the order of the file, as float32, by the names that the file gives them.
        metadata: The text metadata of a safetensors file; empty for other files.
    """

    path: Path
    arrays: dict[str, NDArray[np.float32]]
    metadata: dict[str, str] = field(default_factory=dict)


def folders() -> list[Path]:
    """The folders in which a weights file is looked for after the working directory.

    These are $RESNET_LAB_DATA and the user's cache folder, and the folder `weights` in each.
    """
    return [place for folder in download.folders() for place in (folder, folder / "weights")]


def find(name: str | Path, *, first: Path | None = None) -> Path:
    """Find a weights file.

    Args:
        name: An absolute path, or a path relative to `first`, to the working directory or to one of `folders()`.
        first: The folder that is searched first, such as the folder of the experiment that names the file.

    Raises:
        LabError: No folder has the file; the message lists the folders.
    """
    places = [*([first] if first else []), Path(), *folders()]
    for place in places:
        if (place / name).is_file():
            return place / name
    if Path(name).is_absolute():
        raise LabError(f"there is no weights file '{name}'")
    searched = ", ".join(str(place if place != Path() else Path.cwd()) for place in dict.fromkeys(places))
    raise LabError(f"there is no weights file '{name}' in any of these folders: {searched}")


def read(path: Path) -> WeightsFile:
    """Read a weights file; no code in the file can run.

    The suffix decides the format: safetensors, Gluon's `.params`, or one of PyTorch's. Counters (single whole numbers
    such as `num_batches_tracked`) are left out, and a prefix that all names share (`module.` of DataParallel) is
    removed.

    Raises:
        LabError: The file is missing, damaged or of another format, or holds values that are no floating-point numbers.
    """
    if not path.is_file():
        raise LabError("there is no such weights file", file=path)
    if path.suffix not in _READERS:
        raise LabError(f"is no weights file by its suffix (known: {', '.join(_READERS)})", file=path)
    stored = _READERS[path.suffix](path)
    arrays = {name: value for name, value in stored.items() if value.ndim or value.dtype.kind not in "iu"}
    if not arrays:
        raise LabError("holds no weights", file=path)
    prefix = _shared_prefix(list(arrays))
    return WeightsFile(
        path,
        {name.removeprefix(prefix): _float(value, name, path) for name, value in arrays.items()},
        safetensors.metadata(path) if path.suffix == ".safetensors" else {},
    )


def _float(value: NDArray[Any], name: str, path: Path) -> NDArray[np.float32]:
    if value.dtype.name == "bfloat16":  # safetensors gives bfloat16 as a type of the package ml_dtypes
        value = value.astype(np.float32)
    if value.dtype.kind != "f":
        raise LabError(
            f"'{name}' holds {value.dtype}, not floating-point weights; is the network quantised?", file=path
        )
    return np.ascontiguousarray(value, np.float32)


def _shared_prefix(names: list[str]) -> str:
    """The longest prefix of whole parts, such as `module.` or `module.model.`, that every name has."""
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
            "only PyTorch reads its files, and it is not installed: pip install 'resnet-lab[torch]', or save the "
            "weights as .safetensors on a machine that has PyTorch",
            file=path,
        )
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # errors of pickle, of zipfile and of PyTorch itself
        if "weights_only" in str(error) or "Unsupported" in str(error):
            raise LabError(
                "is refused: the file holds more than numbers, and reading it would run code from the file; save the "
                "state_dict alone",
                file=path,
            ) from None
        first_line = str(error).strip().split("\n")[0]
        raise LabError(f"cannot be read as a file of PyTorch: {first_line}", file=path) from None
    content = _unwrapped(content)
    others = [name for name, value in content.items() if not isinstance(value, torch.Tensor)]
    if others or not content:
        raise LabError(f"holds no state_dict: '{others[0] if others else ''}' is no tensor", file=path)
    return {str(name): _numpy(value, str(name), path) for name, value in content.items()}


def _numpy(tensor: Any, name: str, path: Path) -> NDArray[Any]:
    """A tensor of PyTorch as an array; floating-point types that NumPy lacks, such as bfloat16, become float32."""
    try:
        plain = tensor.detach().to_dense() if tensor.is_sparse else tensor.detach()
        return (plain.float() if plain.is_floating_point() else plain).numpy()  # type: ignore[no-any-return]
    except (TypeError, RuntimeError, NotImplementedError) as error:
        raise LabError(f"'{name}' ({tensor.dtype}) holds no weights: {error}", file=path) from None


def _unwrapped(content: Any) -> dict[str, Any]:
    """The state_dict inside the object that a training script saved."""
    while isinstance(content, Mapping):
        inner = next((content[key] for key in _WRAPPERS if isinstance(content.get(key), Mapping)), None)
        if inner is None:
            return dict(content)
        content = inner
    return {}


_READERS: dict[str, Callable[[Path], Mapping[str, NDArray[Any]]]] = {
    ".safetensors": safetensors.load,
    ".params": gluon_params.read,
    **dict.fromkeys(TORCH_SUFFIXES, _read_torch),
}
"""The function that reads a file, by its suffix."""

SUFFIXES = tuple(_READERS)
