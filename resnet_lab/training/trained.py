"""A trained network on an engine, and the side of its images: shared by prediction and by evaluation."""

from __future__ import annotations

from .. import engines
from ..base.errors import LabError
from ..engines.contract import Model
from ..network.graph import Graph, show
from ..weights.pretrained import Pretrained


def model(net: Pretrained, engine: str = "mxnet", device: str = "auto") -> Model:
    """Build the network on an engine and load its weights.

    Raises:
        LabError: The engine cannot run here, or this machine has no such device.
    """
    chosen = engines.get(engine)
    built = chosen.build(net.graph, chosen.device(device)[0], compile=chosen.default_compile_mode)
    built.load(net.arrays)
    return built


def square_side(graph: Graph) -> int:
    """Return the height of a network's images, which is also their width, in pixels.

    Raises:
        LabError: The network's images are not square.
    """
    _, height, width = graph.input
    if height != width:
        raise LabError(f"the network takes images of {show(graph.input)}, but pictures are made square here")
    return height
