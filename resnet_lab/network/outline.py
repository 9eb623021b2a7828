"""The outline of a network, which its drawing shows: stages, blocks, and the layers of a block in a few boxes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from .graph import Graph, Node, Shape, show, total_macs

_JOINED = frozenset(
    "norm relu relu6 gelu silu hard_swish sigmoid prelu dropout drop_path layer_scale".split()
)  # layers that are written into the box of the layer before them
_KINDS = {
    "conv": "conv",
    "dense": "dense",
    "opaque": "dense",
    "max_pool": "pool",
    "avg_pool": "pool",
    "global_avg_pool": "pool",
    "subsample": "pool",
    "add": "sum",
    "multiply": "sum",
    "concat": "sum",
}
ENTRY = -1
"""The input of a box that takes the output of the part before."""


@dataclass(frozen=True)
class Box:
    """One layer, with the norm and the activation that follow it.

    Attributes:
        lines: what is written in the box: the layer, and below it what follows.
        kind: `conv`, `dense`, `pool`, `sum` or `other`, which chooses the colour.
        inputs: the indices of the boxes of the same part whose output the box takes, and ENTRY.
    """

    lines: tuple[str, ...]
    kind: str
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """A block, or several equal blocks in a row.

    Attributes:
        name: such as `block1`, or `blocks 2 to 6, alike`; '' for a stem and a head.
        boxes: the layers in topological order; the last one makes the output.
    """

    name: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Stage:
    """A stage, the stem or the head.

    Attributes:
        name: `stem`, `stage1`, ..., `head`.
        output: the shape of its output.
        params: the number of trained parameters.
        macs: multiply-adds; None where they are not known.
        parts: its blocks, in order.
    """

    name: str
    output: Shape
    params: int
    macs: int | None
    parts: tuple[Part, ...]


def outline(graph: Graph) -> list[Stage]:
    """Outline a network, from the input to the output."""
    consumers = Counter(name for node in graph.nodes for name in node.inputs)
    stages = []
    for name, members in groupby(graph.layers, lambda node: _places(node)[0]):
        nodes = list(members)
        blocks = [(block, list(inside)) for block, inside in groupby(nodes, lambda node: _places(node)[1])]
        parts = _parts([(block, _boxes(inside, consumers), inside[-1].output) for block, inside in blocks])
        stages.append(Stage(name, nodes[-1].output, sum(node.trained for node in nodes), total_macs(nodes), parts))
    return stages


def _places(node: Node) -> tuple[str, str]:
    """The names of a layer's stage and block, '' where the layer belongs to none."""
    found = re.match(r"(stem|head|stage\d+)\.(?:(block\d+)\.)?", node.name)
    return (found[1], found[2] or "") if found else ("", "")


def _parts(blocks: Sequence[tuple[str, tuple[Box, ...], Shape]]) -> tuple[Part, ...]:
    """The blocks as parts; equal blocks in a row become one part."""
    parts = []
    for _, members in groupby(blocks, lambda block: block[1:]):
        equal = list(members)
        first, last = equal[0][0], equal[-1][0].removeprefix("block")
        between = "and" if len(equal) == 2 else "to"
        name = first if len(equal) == 1 else f"blocks {first.removeprefix('block')} {between} {last}, alike"
        parts.append(Part(name, equal[0][1]))
    return tuple(parts)


def _boxes(nodes: Sequence[Node], consumers: Counter[str]) -> tuple[Box, ...]:
    """The layers of one block; a norm or an activation joins the layer before it, if nothing else takes its input."""
    boxes: list[Box] = []
    box_of: dict[str, int] = {}
    for node in nodes:
        before = node.inputs[0] if len(node.inputs) == 1 else ""
        if node.op in _JOINED and before in box_of and consumers[before] == 1:
            index = box_of[node.name] = box_of[before]
            lines = boxes[index].lines
            joined = (lines[0], " · ".join([*lines[1:], _title(node)]))
            boxes[index] = Box(joined, boxes[index].kind, boxes[index].inputs)
            continue
        inputs = tuple(dict.fromkeys(box_of.get(name, ENTRY) for name in node.inputs))
        box_of[node.name] = len(boxes)
        boxes.append(Box((_title(node),), _KINDS.get(node.op, "other"), inputs))
    return tuple(boxes)


def _title(node: Node) -> str:
    """'conv 3x3, 64, /2' for a layer: the window, the channels where they are new, and the stride."""
    attrs = node.attrs
    title = {"add": "+", "multiply": "\u00d7", "global_avg_pool": "global avg pool", "opaque": "module"}.get(
        node.op, node.op.replace("_", " ")
    )
    if "kernel" in attrs:
        title += " " + "\u00d7".join(map(str, attrs["kernel"]))
    if node.op in ("conv", "dense", "pad_channels", "concat", "opaque"):
        title += f", {show(node.output) if node.op == 'opaque' else node.output[0]}"
    if attrs.get("stride", 1) != 1:
        title += f", /{attrs['stride']}"
    if node.op == "conv" and attrs.get("groups", 1) != 1:
        title += f", {attrs['groups']} groups"
    if node.op == "conv" and attrs.get("dilation", 1) != 1:
        title += f", dilation {attrs['dilation']}"
    if node.op == "norm" and attrs.get("kind", "batch") != "batch":
        title = f"{attrs['kind']} norm"
    return title
