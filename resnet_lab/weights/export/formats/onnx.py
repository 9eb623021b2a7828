"""Export to ONNX."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..registry import Written, export_format, suffixed

if TYPE_CHECKING:
    from ...pretrained import Pretrained


@export_format("onnx", folds=True)
def write(net: Pretrained, path: Path, *, fold: bool = False) -> Written:
    """An ONNX model of opset 17 for inference, with any batch size."""
    from ... import pretrained
    from .. import fold as folding
    from .. import onnx

    path = suffixed(path, ".onnx")
    graph, arrays = folding.fold(net.graph, net.arrays) if fold else (net.graph, net.arrays)
    onnx.write(path, onnx.lower(graph, arrays, pretrained.metadata(net)))
    if importlib.util.find_spec("onnxruntime") is None:
        from onnx.reference import ReferenceEvaluator

        session: Any = ReferenceEvaluator(str(path))
        reader = "onnx's reference evaluator"
    else:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        reader = "onnxruntime"
    return Written((path,), lambda images: session.run(None, {"images": images})[0], reader)
