"""Export to safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..registry import Written, any_engine, export_format, on_engine, suffixed

if TYPE_CHECKING:
    from ...pretrained import Pretrained


@export_format("safetensors")
def write(net: Pretrained, path: Path) -> Written:
    """Weights by our parameter names, with the input shape, the classes and the normalisation as metadata."""
    from ... import safetensors
    from ...pretrained import metadata

    path = suffixed(path, ".safetensors")
    safetensors.save(path, net.arrays, metadata(net))
    engine = any_engine()
    return Written((path,), on_engine(net, engine, path), f"the engine '{engine}'")
