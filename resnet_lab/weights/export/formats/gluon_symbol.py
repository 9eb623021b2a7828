"""Export to a symbol file and a parameter file of Gluon."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..registry import Written, export_format

if TYPE_CHECKING:
    from ...pretrained import Pretrained


@export_format("gluon-symbol")
def write(net: Pretrained, path: Path) -> Written:
    """What HybridBlock.export writes: PATH-symbol.json and PATH-0000.params, for gluon.SymbolBlock."""
    import numpy as np

    from .... import engines

    model: Any = engines.get("mxnet").build(net.graph, "cpu")
    model.load(net.arrays)
    model.predict(np.zeros((1, *net.graph.input), np.float32))  # the first call traces the symbol
    import mxnet as mx

    model.block.export(str(path))
    symbol, params = Path(f"{path}-symbol.json"), Path(f"{path}-0000.params")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MXNet warns that the input has no type yet; the first input brings it
        block = mx.gluon.SymbolBlock.imports(str(symbol), ["data"], str(params))
    return Written((symbol, params), lambda images: block(mx.nd.array(images)).asnumpy(), "gluon.SymbolBlock")
