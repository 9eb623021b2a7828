"""Writing weights files of other libraries: Gluon's `.params` and PyTorch's state dicts."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.files import atomic_write
from .. import gluon_params
from ..layouts import Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[np.float32]]


def renamed(layout: Layout, arrays: Arrays) -> dict[str, NDArray[np.float32]]:
    """The arrays by the names of a layout, with the constant arrays that only the other library has."""
    renamed_arrays = {other: arrays[own] for own, other in layout.arrays.items()}
    return renamed_arrays | {
        name: np.full(length, value, np.float32) for name, (length, value) in layout.constants.items()
    }


def gluon(path: Path, layout: Layout | None, arrays: Arrays) -> None:
    """Write a `.params` file by a layout's names; with None by ours, which a block of `resnet_lab.build` loads."""
    gluon_params.write(path, arrays if layout is None else renamed(layout, arrays))


def torch(path: Path, layout: Layout | None, arrays: Arrays) -> None:
    """Write a state dict by a layout's names (by ours with None), with the counters that PyTorch's batch norms keep."""
    import torch as framework

    state: dict[str, Any] = {}
    for name, array in (arrays if layout is None else renamed(layout, arrays)).items():
        state[name] = framework.from_numpy(np.array(array))
        if name.endswith("running_var"):
            state[name.replace("running_var", "num_batches_tracked")] = framework.tensor(0)
    content = io.BytesIO()  # given a file on a full disk, PyTorch raises a RuntimeError of its own
    framework.save(state, content)
    with atomic_write(path) as partial:
        partial.write_bytes(content.getbuffer())
