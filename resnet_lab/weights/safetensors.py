"""Weights files in the safetensors format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import LabError
from ..base.files import atomic_write

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.float32]]


def save(path: Path, weights: Mapping[str, NDArray[np.float32]], metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file, completely or not at all.

    Raises:
        LabError: The file cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    arrays = {name: np.ascontiguousarray(array) for name, array in weights.items()}
    with atomic_write(path) as partial:
        try:
            save_file(arrays, partial, dict(metadata or {}))
        except SafetensorError as error:
            raise LabError(f"cannot be written: {error}", file=path) from None


def load(path: Path) -> Arrays:
    """Read the arrays of a safetensors file; the format cannot hold code.

    Raises:
        LabError: The file is missing, or it is no safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise LabError(f"cannot be read as safetensors: {error}", file=path) from None


def metadata(path: Path) -> dict[str, str]:
    """Read the metadata of a safetensors file.

    Raises:
        LabError: The file is missing, or it is no safetensors file.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise LabError(f"cannot be read as safetensors: {error}", file=path) from None
