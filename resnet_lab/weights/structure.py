"""Matching the layers of a file with a network's where the names are unknown: by kind, order and shapes.

The convolutions of both are paired in their order, and so are the norms and the dense layers. Two rules on the names
must hold as well: a layer that the file calls a shortcut has to be one in the network, and the numbers in the file's
names (`layer2.10.conv1`) have to rise along the network, which they do not in a file that is sorted by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..network.graph import Graph, Node, Shape, show

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SUFFIX = re.compile(r"[._](weight|bias|gamma|beta|(?:running|moving)_(?:mean|var))$")
_NORM_KEYS = {
    "gamma": "scale",
    "weight": "scale",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_var": "running_var",
}
_NEUTRAL = {"scale": 1, "bias": 0}
_SHORTCUT = re.compile(r"downsample|shortcut|skip|projection|identity", re.IGNORECASE)


@dataclass(frozen=True)
class _Layer:
    """A layer of the network or of the file.

    Attributes:
        name: The layer's name.
        arrays: The full names of its arrays by our keys: weight, bias, scale, running_mean, running_var.
        shapes: The shapes of its arrays by the same keys.
        neutral: Keys of a scale that is 1 or a bias that is 0 everywhere: Gluon stores them for norms without them.
    """

    name: str
    arrays: dict[str, str]
    shapes: dict[str, Shape]
    neutral: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """norm, convolution, dense or other; only layers of one kind are paired."""
        if "weight" not in self.shapes:
            return "norm"
        return {2: "dense", 4: "convolution"}.get(len(self.shapes["weight"]), "other")

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers in its name."""
        return tuple(int(number) for number in re.findall(r"\d+", self.name))

    @property
    def is_shortcut(self) -> bool:
        return ".shortcut." in self.name

    def holds(self, own: _Layer) -> bool:
        """Whether it has all arrays of a layer of ours, and beyond them only neutral ones."""
        return own.shapes == {k: shape for k, shape in self.shapes.items() if k in own.shapes or k not in self.neutral}


def by_structure(
    graph: Graph, arrays: Mapping[str, NDArray[np.float32]], skip: Set[str] = frozenset()
) -> dict[str, str] | None:
    """Find the file's name of each of the network's arrays.

    Args:
        graph: The network.
        arrays: The file's arrays, in the order of the file.
        skip: Layers of the network that may have other shapes in the file or be missing there.

    Returns:
        The file's name by our name; None if the two do not fit.
    """
    theirs = _layers_of_file(arrays)
    if theirs is None:
        return None
    nodes = [node for node in graph.nodes if node.params]
    for file_order in (theirs, sorted(theirs, key=lambda layer: layer.numbers)):
        for order in (nodes, _shortcuts_first(nodes)):
            ours = [_layer(node) for node in order]
            pairs = _aligned(ours, file_order, skip)
            if pairs is None and skip:
                pairs = _aligned([layer for layer in ours if layer.name not in skip], file_order, skip)
            if pairs is not None and _names_agree(pairs):
                return {own.arrays[key]: other.arrays[key] for own, other in pairs for key in own.arrays}
    return None


def difference(graph: Graph, arrays: Mapping[str, NDArray[np.float32]]) -> list[str]:
    """Say where the layers of a file differ from a network's: a clause for each kind of layer; empty if nowhere."""
    theirs = _layers_of_file(arrays)
    if theirs is None:
        stranger = next(name for name in arrays if _SUFFIX.search(name) is None)
        return [f"'{stranger}' does not belong to a convolution, a norm or a dense layer"]
    ours = [_layer(node) for node in graph.nodes if node.params]
    faults = []
    for kind in dict.fromkeys(layer.kind for layer in (*ours, *theirs)):
        mine, others = ([layer for layer in layers if layer.kind == kind] for layers in (ours, theirs))
        apart = next(((own, other) for own, other in zip(mine, others, strict=False) if not other.holds(own)), None)
        if len(mine) != len(others):
            faults.append(f"the file has {len(others)} {kind} layers, the network {len(mine)}")
        if apart is not None:
            own, other = apart
            key = next((key for key in own.shapes if own.shapes[key] != other.shapes.get(key)), None)
            if key is None:
                faults.append(f"{other.name} has {', '.join(other.shapes)}, {own.name} has {', '.join(own.shapes)}")
            else:
                there = show(other.shapes[key]) if key in other.shapes else "missing"
                faults.append(f"{other.name}'s {key} is {there}, {own.name}'s {show(own.shapes[key])}")
    return faults


def _layer(node: Node) -> _Layer:
    return _Layer(
        node.name,
        {key: f"{node.name}.{key}" for key in node.params},
        {key: parameter.shape for key, parameter in node.params.items()},
    )


def _layers_of_file(arrays: Mapping[str, NDArray[np.float32]]) -> list[_Layer] | None:
    """The layers in the order of the file; None if an array belongs to no known kind of layer."""
    parts_of_layers: dict[str, dict[str, str]] = {}
    for name in arrays:
        suffix = _SUFFIX.search(name)
        if suffix is None:
            return None
        parts_of_layers.setdefault(name[: suffix.start()], {})[suffix[1]] = name
    layers = []
    for layer, parts in parts_of_layers.items():
        if "weight" not in parts or arrays[parts["weight"]].ndim == 1:
            parts = {_NORM_KEYS.get(key, key): name for key, name in parts.items()}
        neutral = (key for key, name in parts.items() if key in _NEUTRAL and (arrays[name] == _NEUTRAL[key]).all())
        shapes = {key: arrays[name].shape for key, name in parts.items()}
        layers.append(_Layer(layer, parts, shapes, frozenset(neutral if "weight" not in parts else ())))
    return layers


def _shortcuts_first(nodes: Sequence[Node]) -> list[Node]:
    """The nodes with each block's shortcut before its branch, which is the order of some programs."""
    blocks: dict[str, list[Node]] = {}
    for node in nodes:
        blocks.setdefault(".".join(node.name.split(".")[:2]) if ".block" in node.name else node.name, []).append(node)
    return [node for block in blocks.values() for node in sorted(block, key=lambda node: ".shortcut." not in node.name)]


def _aligned(ours: Sequence[_Layer], theirs: Sequence[_Layer], skip: Set[str]) -> list[tuple[_Layer, _Layer]] | None:
    """Pair the layers of each kind in their order; None if a count or a shape differs."""
    pairs: list[tuple[_Layer, _Layer]] = []
    for kind in {layer.kind for layer in (*ours, *theirs)}:
        mine, others = ([layer for layer in layers if layer.kind == kind] for layers in (ours, theirs))
        if len(mine) != len(others):
            return None
        pairs += zip(mine, others, strict=True)
    fits = all(
        other.holds(own) or (own.name in skip and own.shapes.keys() == other.shapes.keys()) for own, other in pairs
    )
    return pairs if fits else None


def _names_agree(pairs: Sequence[tuple[_Layer, _Layer]]) -> bool:
    """Whether exactly the shortcuts are called so in the file (or none is), and the numbers in the names rise."""
    called = [bool(_SHORTCUT.search(other.name)) for _, other in pairs]
    if any(called) and called != [own.is_shortcut for own, _ in pairs]:
        return False
    for kind in {own.kind for own, _ in pairs}:
        numbers = [other.numbers for own, other in pairs if own.kind == kind and not own.is_shortcut]
        if numbers != sorted(numbers):
            return False
    return True
