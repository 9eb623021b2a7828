"""What a network costs, before it runs: the facts behind `resnet-lab describe`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from ..base.errors import LabError, unknown
from ..blocks.registry import BLOCKS
from ..blocks.shortcuts import Kind, Shortcut
from ..network.graph import Graph, Node, Shape, show, total_macs
from ..network.tensor import Builder
from . import plugins, settings
from .building import apply
from .stages import parse_shape
from .variant import load


@dataclass(frozen=True)
class Described:
    """A network and what it is called; `kind` is `variant` or `block`."""

    kind: str
    name: str
    summary: str
    graph: Graph


@dataclass(frozen=True)
class Group:
    """Neighbouring layers of one stage: the shapes on the way, and their sums."""

    name: str
    shapes: tuple[Shape, ...]
    layers: int
    params: int
    macs: int | None


def shape(text: str) -> Shape:
    """'3x224x224' as (3, 224, 224).

    Raises:
        LabError: it is none.
    """
    try:
        channels, height, width = parse_shape(text)
    except ValueError as error:
        raise LabError(f"--input: {error}") from None
    return channels, height, width


def variant(name: str, input: str | None = None, classes: int | None = None) -> Described:
    """A variant's network. Raises LabError."""
    loaded = load(name)
    return Described(
        "variant", loaded.name, loaded.spec.description, loaded.graph(shape(input) if input else None, classes)
    )


def block(
    name: str, input: str, channels: int, stride: int, shortcut: str, options: Sequence[str], file: Path | None = None
) -> Described:
    """One block alone, as a network from `input` to its output.

    Args:
        options: `KEY=VALUE` each, the value as YAML.
        file: the Python file that registers it.

    Raises:
        LabError: no such block or shortcut, an option it does not take, or shapes that do not fit.
    """
    if file is not None:
        plugins.load_file(file, ("--from", 0))
    try:
        entry = BLOCKS.get(name)
    except LabError as error:
        raise LabError(f"{error.message}; a block of your own needs --from FILE.py") from None
    kinds = get_args(Kind)
    if shortcut not in kinds:
        raise LabError(unknown("shortcut", shortcut, kinds))
    values = dict(settings.parse(text, "--option", "reduction=8") for text in options)
    builder = Builder()
    x = builder.input(shape(input))
    way = Shortcut(channels * entry.expansion, stride, shortcut)  # type: ignore[arg-type]
    y = apply(entry, x, channels, stride, way, **entry.check(values))
    return Described("block", name, entry.summary, builder.finish(y))


def as_json(described: Described) -> dict[str, Any]:
    """One object: variant (or block), input, output, depth, params (trained), macs, digest, layers."""
    graph = described.graph
    return {
        described.kind: described.name,
        "input": list(graph.input),
        "output": list(graph.output),
        "depth": graph.depth,
        "params": graph.params,
        "macs": graph.macs,
        "digest": graph.digest,
        "layers": [
            {"name": node.name, "op": node.op, "output": list(node.output), "params": node.trained, "macs": node.macs}
            for node in graph.layers
        ],
    }


def groups(graph: Graph) -> list[Group]:
    """The layers of a network by their outermost scope (stem, stage1, ..., head), or one by one where there is none."""
    found: dict[str, list[Node]] = {}
    for node in graph.layers:
        found.setdefault(node.name.partition(".")[0], []).append(node)
    return [
        Group(name, _shapes(name, nodes), len(nodes), sum(node.trained for node in nodes), total_macs(nodes))
        for name, nodes in found.items()
    ]


def _shapes(name: str, nodes: Sequence[Node]) -> tuple[Shape, ...]:
    """A stage by its output; stem and head by every size on the way."""
    if name.startswith("stage"):
        return (nodes[-1].output,)
    shapes = [node.output for node in nodes]
    return tuple(after for before, after in zip([(), *shapes], shapes, strict=False) if before != after)


def shapes_text(group: Group) -> str:
    """'64x112x112, 64x56x56'."""
    return ", ".join(show(output) for output in group.shapes)
