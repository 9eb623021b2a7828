"""Export to a `.params` file of Gluon."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..registry import Written, export_format, suffixed

if TYPE_CHECKING:
    from ...pretrained import Pretrained


@export_format("gluon")
def write(net: Pretrained, path: Path) -> Written:
    """A .params file that Gluon-CV's class of the same name loads.

    If Gluon-CV has no such network, our own parameter names are used, and a block of `resnet_lab.build` loads the file.
    """
    from .... import engines
    from ... import gluon_zoo
    from ...layouts import gluon_layout
    from .. import write as files

    path = suffixed(path, ".params")
    block = gluon_zoo.net(net.variant, net.graph)
    if block is not None:
        files.gluon(path, gluon_layout(net.variant, net.graph), net.arrays)
        reader = f"Gluon-CV's {net.variant}"
    else:
        files.gluon(path, None, net.arrays)
        built: Any = engines.get("mxnet").build(net.graph, "cpu")
        block, reader = built.block, "a GraphBlock of resnet_lab.build"
    import mxnet as mx

    block.load_parameters(str(path))
    return Written((path,), lambda images: block(mx.nd.array(images)).asnumpy(), reader)
