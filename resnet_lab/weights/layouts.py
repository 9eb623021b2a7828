"""The parameter names that Gluon-CV's and torchvision's networks would have for one of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..base.errors import LabError
from ..network.graph import Graph, Node

Style = Literal["gluon", "torch"]

_SUFFIXES: dict[Style, dict[str, str]] = {"gluon": {"scale": "gamma", "bias": "beta"}, "torch": {"scale": "weight"}}
"""Each framework's names for the arrays of a norm, where they differ from ours."""


@dataclass(frozen=True)
class Layout:
    """The names that another library gives to the layers and arrays of one network.

    Attributes:
        name: The library's name, for messages.
        style: Whose names the arrays of a layer have.
        layers: The library's name of each of our layers that has parameters, in the graph's order.
        graph: The network.
    """

    name: str
    style: Style
    layers: dict[str, str]
    graph: Graph = field(repr=False)

    @property
    def arrays(self) -> dict[str, str]:
        """The library's name of each of our arrays."""
        names = {}
        for node in self.graph.nodes:
            for key in node.params:
                suffix = _SUFFIXES[self.style].get(key, key) if node.op == "norm" else key
                names[f"{node.name}.{key}"] = f"{self.layers[node.name]}.{suffix}"
        return names

    @property
    def constants(self) -> dict[str, tuple[int, float]]:
        """Arrays that only the library has, as (length, value): Gluon stores a scale and center that a norm ignores."""
        constants = {}
        for node in self.graph.nodes:
            if self.style == "gluon" and node.op == "norm" and node.attrs["kind"] == "batch":
                for key, suffix, value in (("scale", "gamma", 1.0), ("center", "beta", 0.0)):
                    if not node.attrs[key]:
                        constants[f"{self.layers[node.name]}.{suffix}"] = (node.output[0], value)
        return constants


class _Parts:
    """The layers of a network, sorted into stem, blocks and head."""

    def __init__(self, graph: Graph) -> None:
        self.stem: list[Node] = []
        self.head: list[Node] = []
        self.blocks: dict[tuple[int, int], list[Node]] = {}
        for node in graph.layers:
            place = re.match(r"(stem|head|stage(\d+)\.block(\d+))\.", node.name)
            if place is None:
                raise LabError(
                    f"layer {node.name} is in no stem, stage or head, so no other framework has a name for it"
                )
            if place[2]:
                self.blocks.setdefault((int(place[2]), int(place[3])), []).append(node)
            else:
                (self.stem if place[1] == "stem" else self.head).append(node)

    @property
    def stages(self) -> int:
        return max((stage for stage, _ in self.blocks), default=0)


def _inner(nodes: Sequence[Node], scope: str | None) -> list[Node]:
    """The layers of a block in one scope: `shortcut`, `se`, or None for the branch."""
    return [node for node in nodes if (_scope(node) == scope)]


def _scope(node: Node) -> str | None:
    inside = node.name.split(".")[2:-1]
    return inside[0] if inside else None


def _numbered(nodes: Sequence[Node], prefix: str, first: int = 0) -> dict[str, str]:
    """The names of layers in a Sequential: their positions."""
    return {node.name: f"{prefix}.{place}" for place, node in enumerate(nodes, first) if node.params}


def _kinds(nodes: Sequence[Node], prefix: str) -> dict[str, str]:
    """The names of layers that are attributes, numbered by kind: `conv1`, `bn1`, `conv2`, ..."""
    names, counts = {}, {"conv": 0, "norm": 0}
    for node in nodes:
        if node.params and node.op in counts:
            counts[node.op] += 1
            names[node.name] = f"{prefix}{'bn' if node.op == 'norm' else 'conv'}{counts[node.op]}"
    return names


def features(graph: Graph) -> dict[str, str]:
    """The names of most of Gluon-CV's networks: all layers but the last in one Sequential called `features`."""
    parts = _Parts(graph)
    names = _numbered(parts.stem, "features")
    for (stage, number), nodes in parts.blocks.items():
        prefix = f"features.{len(parts.stem) + stage - 1}.{number - 1}."
        branch, shortcut = _inner(nodes, None), _inner(nodes, "shortcut")
        if branch[0].op == "norm":  # pre-activation
            names |= _kinds(branch, prefix)
            names |= {node.name: f"{prefix}downsample" for node in shortcut if node.params}
        else:
            names |= _numbered([node for node in branch if node.op in ("conv", "norm", "relu")], f"{prefix}body")
            names |= _numbered(shortcut, f"{prefix}downsample")
        names |= _numbered([node for node in _inner(nodes, "se") if node.op != "global_avg_pool"], f"{prefix}se")
    norm = f"features.{len(parts.stem) + parts.stages}"
    return names | {node.name: "output" if node.op == "dense" else norm for node in parts.head if node.params}


def layers(graph: Graph) -> dict[str, str]:
    """The names of torchvision, of timm and of Gluon-CV's v1b to v1s: `conv1`, `layer1.0.conv1`, `fc`."""
    parts = _Parts(graph)
    *before, last = [node for node in parts.stem if node.params]
    names = _numbered(parts.stem, "conv1") if len(before) > 1 else {before[0].name: "conv1"}
    names[last.name] = "bn1"
    # In a network whose shortcuts average, a shortcut without pooling (stride 1) keeps its position free.
    averages = any(node.op == "avg_pool" for nodes in parts.blocks.values() for node in _inner(nodes, "shortcut"))
    for (stage, number), nodes in parts.blocks.items():
        if _inner(nodes, None)[0].op == "norm":
            raise ValueError("none of these libraries has a pre-activation block")
        prefix = f"layer{stage}.{number - 1}."
        shortcut = [node for node in _inner(nodes, "shortcut") if node.op != "avg_pool"]
        names |= _kinds(_inner(nodes, None), prefix)
        names |= _numbered(shortcut, f"{prefix}downsample", first=int(averages))
        gate = [node for node in _inner(nodes, "se") if node.params]
        names |= {node.name: f"{prefix}se.fc{place}" for place, node in enumerate(gate, 1)}
    return names | {node.name: "fc" for node in parts.head if node.params}


_NAMERS: dict[str, tuple[Style, Callable[[Graph], dict[str, str]]]] = {
    "Gluon-CV": ("gluon", features),
    "Gluon-CV v1b": ("gluon", layers),
    "torchvision": ("torch", layers),
}


def layout(name: str, graph: Graph) -> Layout:
    """Make the layout of that name for a network.

    Raises:
        LabError: The library has no name for one of the layers.
    """
    style, namer = _NAMERS[name]
    try:
        names = namer(graph)
    except (IndexError, ValueError):
        names = {}
    nameless = [node.name for node in graph.nodes if node.params and node.name not in names]
    if nameless or len(set(names.values())) != len(names):
        where = nameless[0] if nameless else "two layers"
        raise LabError(f"{name} has no network built like this one: it has no name for {where}")
    return Layout(name, style, names, graph)


def layouts(graph: Graph) -> list[Layout]:
    """The layouts that have a name for every layer of the network."""
    known = []
    for name in _NAMERS:
        try:
            known.append(layout(name, graph))
        except LabError:
            continue
    return known


def gluon_layout(variant: str, graph: Graph) -> Layout:
    """Make the layout of Gluon-CV's network of the name `variant`.

    Raises:
        LabError: Gluon-CV has no name for one of the layers.
    """
    return layout("Gluon-CV v1b" if re.fullmatch(r"resnet\d+_v1[bcdes]", variant) else "Gluon-CV", graph)
