"""Export to an `.npz` file of NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..registry import Written, any_engine, export_format, suffixed

if TYPE_CHECKING:
    from ...pretrained import Pretrained


@export_format("npz")
def write(net: Pretrained, path: Path) -> Written:
    """An .npz file by our parameter names, for programs that have NumPy alone."""
    import numpy as np

    from .... import engines

    path = suffixed(path, ".npz")
    np.savez(path, **net.arrays)
    engine = any_engine()
    model = engines.get(engine).build(net.graph, "cpu")
    with np.load(path, allow_pickle=False) as arrays:
        model.load({name: arrays[name] for name in arrays.files})
    return Written((path,), model.predict, f"the engine '{engine}' with the arrays that NumPy reads")
