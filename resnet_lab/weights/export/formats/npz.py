"""Export to an `.npz` file of NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..registry import Written, any_engine, export_format, suffixed

if TYPE_CHECKING:
    from ...pretrained import Pretrained


@export_format("npz")
def write(net: Pretrained, path: Path) -> Written:
    """An .npz file by our parameter names, for programs that have NumPy alone."""
    import numpy as np

    from .... import engines

    path = suffixed(path, ".npz")
    arrays: Mapping[str, Any] = net.arrays  # by NumPy 2's types, an array could be given for the flag allow_pickle
    np.savez(path, **arrays)
    engine = any_engine()
    model = engines.get(engine).build(net.graph, "cpu")
    with np.load(path, allow_pickle=False) as file:
        model.load({name: file[name] for name in file.files})
    return Written((path,), model.predict, f"the engine '{engine}' with the arrays that NumPy reads")
