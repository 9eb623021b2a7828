"""What others call the layers of a network: the names of Gluon-CV's nets and of torchvision's, from its structure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..base.errors import LabError
from ..network.graph import Graph, Node

Style = Literal["gluon", "torch"]

_SUFFIXES: dict[Style, dict[str, str]] = {"gluon": {"scale": "gamma", "bias": "beta"}, "torch": {"scale": "weight"}}
"""What each framework calls a norm's arrays, where it is not what we do."""


@dataclass(frozen=True)
class Layout:
    """Names for the layers of one network.

    `layers`: the other's name of each of our layers that has parameters, in the graph's order.
    """

    name: str
    style: Style
    layers: dict[str, str]
    graph: Graph = field(repr=False)

    @property
    def arrays(self) -> dict[str, str]:
        """The other's name of each of our arrays."""
        names = {}
        for node in self.graph.nodes:
            for key in node.params:
                suffix = _SUFFIXES[self.style].get(key, key) if node.op == "norm" else key
                names[f"{node.name}.{key}"] = f"{self.layers[node.name]}.{suffix}"
        return names

    @property
    def constants(self) -> dict[str, tuple[int, float]]:
        """Arrays that only the other has, as (length, value): Gluon keeps the scale and center that a norm ignores."""
        found = {}
        for node in self.graph.nodes:
            if self.style == "gluon" and node.op == "norm" and node.attrs["kind"] == "batch":
                for key, suffix, value in (("scale", "gamma", 1.0), ("center", "beta", 0.0)):
                    if not node.attrs[key]:
                        found[f"{self.layers[node.name]}.{suffix}"] = (node.output[0], value)
        return found


class _Parts:
    """The layers of a network by stem, block and head; every layer is in one of them."""

    def __init__(self, graph: Graph) -> None:
        self.stem: list[Node] = []
        self.head: list[Node] = []
        self.blocks: dict[tuple[int, int], list[Node]] = {}
        for node in graph.layers:
            place = re.match(r"(stem|head|stage(\d+)\.block(\d+))\.", node.name)
            if place is None:
                raise LabError(f"layer {node.name} is in no stem, stage or head: no other framework has a name for it")
            if place[2]:
                self.blocks.setdefault((int(place[2]), int(place[3])), []).append(node)
            else:
                (self.stem if place[1] == "stem" else self.head).append(node)

    @property
    def stages(self) -> int:
        return max((stage for stage, _ in self.blocks), default=0)


def _inner(nodes: Sequence[Node], scope: str | None) -> list[Node]:
    """The layers of a block in `shortcut`, in `se`, or in neither."""
    return [node for node in nodes if (_scope(node) == scope)]


def _scope(node: Node) -> str | None:
    inside = node.name.split(".")[2:-1]
    return inside[0] if inside else None


def _numbered(nodes: Sequence[Node], prefix: str, first: int = 0) -> dict[str, str]:
    """Layers that a Sequential holds: named by their place in it."""
    return {node.name: f"{prefix}.{place}" for place, node in enumerate(nodes, first) if node.params}


def _kinds(nodes: Sequence[Node], prefix: str) -> dict[str, str]:
    """`conv1`, `bn1`, `conv2`, ...: layers that are attributes, numbered by kind."""
    names, counts = {}, {"conv": 0, "norm": 0}
    for node in nodes:
        if node.params and node.op in counts:
            counts[node.op] += 1
            names[node.name] = f"{prefix}{'bn' if node.op == 'norm' else 'conv'}{counts[node.op]}"
    return names


def features(graph: Graph) -> dict[str, str]:
    """Most of Gluon-CV's nets: everything before the last layer in one Sequential, `features`."""
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
    """torchvision's and timm's nets, and Gluon-CV's v1b to v1s: `conv1`, `layer1.0.conv1`, `fc`."""
    parts = _Parts(graph)
    *before, last = [node for node in parts.stem if node.params]
    names = _numbered(parts.stem, "conv1") if len(before) > 1 else {before[0].name: "conv1"}
    names[last.name] = "bn1"
    # Where shortcuts average, the place of the pooling is kept even at stride 1.
    averages = any(node.op == "avg_pool" for nodes in parts.blocks.values() for node in _inner(nodes, "shortcut"))
    for (stage, number), nodes in parts.blocks.items():
        if _inner(nodes, None)[0].op == "norm":
            raise ValueError("a pre-activation block, which none of these nets has")
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
    """The layout of that name for a network.

    Raises:
        LabError: it has no name for one of the layers.
    """
    style, namer = _NAMERS[name]
    try:
        names = namer(graph)
    except (IndexError, ValueError):
        names = {}
    nameless = [node.name for node in graph.nodes if node.params and node.name not in names]
    if nameless or len(set(names.values())) != len(names):
        where = nameless[0] if nameless else "two layers"
        raise LabError(f"the names of {name} nets have no place for {where}: this network is built otherwise")
    return Layout(name, style, names, graph)


def layouts(graph: Graph) -> list[Layout]:
    """Those layouts that have a name for every layer of the network."""
    found = []
    for name in _NAMERS:
        try:
            found.append(layout(name, graph))
        except LabError:
            continue
    return found


def gluon_layout(variant: str, graph: Graph) -> Layout:
    """The names that Gluon-CV gives to its net `variant`.

    Raises:
        LabError: as `layout`.
    """
    return layout("Gluon-CV v1b" if re.fullmatch(r"resnet\d+_v1[bcdes]", variant) else "Gluon-CV", graph)
