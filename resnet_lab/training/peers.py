"""The networks of other libraries that are ours, layer by layer, as graphs that the engines train as ours."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..base.errors import LabError, unknown
from ..blocks.registry import BLOCKS
from ..blocks.shortcuts import Shortcut
from ..engines.modules import module_block
from ..network.graph import Graph
from ..network.tensor import Builder
from ..weights import gluon_zoo

_BOTH = {
    "resnet18": "resnet18",
    "resnet34": "resnet34",
    **{f"resnet{depth}_v1b": f"resnet{depth}" for depth in (18, 34, 50, 101, 152)},
    "resnext50_32x4d": "resnext50_32x4d",
    "resnext101_64x4d": "resnext101_64x4d",
}
"""Our names and theirs, of networks that torchvision and timm both have. Their resnet50 is our resnet50_v1b: its
bottleneck has the stride on the 3x3 convolution, and that of our resnet50, as the paper's, on the first 1x1."""

_TIMM = {
    **_BOTH,
    "resnext101_32x4d": "resnext101_32x4d",
    **{f"resnet{depth}_v1c": f"resnet{depth}c" for depth in (50, 101, 152)},
    **{f"resnet{depth}_v1d": f"resnet{depth}d" for depth in (50, 101, 152)},
    **{f"resnet{depth}_v1s": f"resnet{depth}s" for depth in (50, 101, 152)},
}


def _torchvision(name: str, classes: int) -> Any:
    import torchvision

    return getattr(torchvision.models, name)(num_classes=classes)


def _timm(name: str, classes: int) -> Any:
    import timm

    return timm.create_model(name, pretrained=False, num_classes=classes)


def _gluoncv(name: str, classes: int) -> Any:
    with gluon_zoo.importable():
        from gluoncv.model_zoo.model_zoo import _models
    if name not in _models:
        raise LabError(f"gluoncv has no network '{name}'")
    return _models[name](pretrained=False, classes=classes)


_MAKERS: dict[str, Callable[[str, int], Any]] = {"gluoncv": _gluoncv, "timm": _timm, "torchvision": _torchvision}
_NAMES = {"timm": _TIMM, "torchvision": _BOTH}
"""Our names and theirs; Gluon-CV's names are ours."""

PEERS = {"gluoncv": "mxnet", "timm": "torch", "torchvision": "torch"}
"""The libraries, and the engine that runs the networks of each."""


def their_name(peer: str, variant: str) -> str:
    """The name that a library gives to the network of a variant; nothing is imported.

    Raises:
        LabError: there is no such library, it is not installed, or it has no such network.
    """
    if peer not in PEERS:
        raise LabError(unknown("library for --peer", peer, PEERS))
    names = _NAMES.get(peer, {variant: variant})
    if variant not in names:
        raise LabError(unknown(f"network of {peer}, by our names,", variant, names))
    if importlib.util.find_spec(peer) is None:
        raise LabError(f"{peer} is not installed: pip install {peer}")
    return names[variant]


def graph(peer: str, variant: str, ours: Graph) -> tuple[Graph, str]:
    """Make a graph whose only layer is the network of a library.

    An engine trains it with the same loop, optimizer, memory layout and precision as our network.

    Args:
        peer: the name of the library.
        variant: our name of the network.
        ours: our network, which gives the shape of the images and the number of classes.

    Returns:
        The graph, and a warning if their network has another number of parameters than ours; '' if it has as many.
        Its multiply-adds are ours in the second case, and unknown in the first.

    Raises:
        LabError: as `their_name`; or the library cannot make the network.
    """
    name, (classes,) = their_name(peer, variant), ours.output
    block = f"{peer}_{name}"

    def network(channels: int) -> Any:
        return _MAKERS[peer](name, channels)

    module_block(block, engine=PEERS[peer], replace=block in BLOCKS.entries)(network)
    builder = Builder()
    y = BLOCKS.get(block).apply(builder.input(ours.input), classes, 1, Shortcut(classes, 1))
    theirs = builder.finish(y)
    if theirs.params != ours.params:
        return theirs, f"the network of {peer} has {theirs.params:,} parameters, and ours has {ours.params:,}"
    first, last = theirs.nodes
    return Graph((first, replace(last, macs=ours.macs))), ""
