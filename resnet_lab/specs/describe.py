"""What a network costs before it runs: layers, shapes, parameters and multiply-adds for `resnet-lab describe`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from ..base.errors import LabError, unknown
from ..blocks.registry import BLOCKS
from ..blocks.shortcuts import Kind, Shortcut
from ..network.graph import Graph, Node, Shape, show, total_macs
from ..network.tensor import Builder
from . import plugins, settings
from .building import apply
from .stages import VariantSpec, parse_shape
from .variant import load


@dataclass(frozen=True)
class Described:
    """A network and its name.

    Attributes:
        kind: `variant` or `block`.
        name: the name of the variant or the block.
        summary: one line of description.
        graph: the network.
        overrides: the dotted keys and values that change the variant's spec.
        spec: the spec of the variant; None for a block.
    """

    kind: str
    name: str
    summary: str
    graph: Graph
    overrides: Mapping[str, Any] = field(default_factory=dict)
    spec: VariantSpec | None = None

    @property
    def costs(self) -> dict[str, int | None]:
        """The numbers that two networks are compared by: params, macs (None if not known) and layers."""
        return {"params": self.graph.params, "macs": self.graph.macs, "layers": len(self.graph.layers)}


@dataclass(frozen=True)
class Group:
    """The layers of one stage.

    Attributes:
        name: the stage: `stem`, `stage1`, ..., `head`.
        shapes: the output of a stage; for stem and head, every shape from the first layer to the last.
        layers: the number of layers.
        params: the number of trained parameters.
        macs: multiply-adds; None where those of a layer are not known.
    """

    name: str
    shapes: tuple[Shape, ...]
    layers: int
    params: int
    macs: int | None


def shape(text: str) -> Shape:
    """Read the option --input: '3x224x224' as (3, 224, 224).

    Raises:
        LabError: The text is no shape.
    """
    try:
        channels, height, width = parse_shape(text)
    except ValueError as error:
        raise LabError(f"--input: {error}") from None
    return channels, height, width


def variant(
    name: str, input: str | None = None, classes: int | None = None, overrides: Sequence[str] = ()
) -> Described:
    """Build a variant's network.

    Args:
        name: the variant's name or path.
        input: the shape of an image, such as 3x224x224; the spec's own where None.
        classes: outputs of the head; the spec's own where None.
        overrides: settings KEY=VALUE that change the spec, such as `every_stage.stride_on=3x3`.

    Raises:
        LabError: There is no such variant, the spec or a setting is wrong, or shapes do not fit.
    """
    changes = dict(settings.parse(text, example="every_stage.stride_on=3x3") for text in overrides)
    marks = {settings.parse(text)[0]: (f"--set {text}", 0) for text in overrides}
    loaded = load(name, changes, marks=marks)
    graph = loaded.graph(shape(input) if input else None, classes)
    return Described("variant", loaded.name, loaded.spec.description, graph, changes, loaded.spec)


def ratios(described: Described, baseline: Described) -> dict[str, float | None]:
    """Divide params, macs and layers of a network by those of a baseline; None where a number is not known or zero."""
    pairs = zip(described.costs.items(), baseline.costs.values(), strict=True)
    return {name: count / of if count is not None and of else None for (name, count), of in pairs}


def block(
    name: str, input: str, channels: int, stride: int, shortcut: str, options: Sequence[str], file: Path | None = None
) -> Described:
    """Build a network of one block.

    Args:
        name: the block's name.
        input: the shape of the block's input, such as 64x56x56.
        channels: the block's width.
        stride: the block's stride.
        shortcut: the kind of its shortcut.
        options: the block's options, each as KEY=VALUE, the value as YAML.
        file: the Python file that registers the block.

    Raises:
        LabError: There is no such block or shortcut, the block does not take an option, or shapes do not fit.
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
    added = Shortcut(channels * entry.expansion, stride, shortcut)  # type: ignore[arg-type]
    y = apply(entry, x, channels, stride, added, **entry.check(values))
    return Described("block", name, entry.summary, builder.finish(y))


def as_json(described: Described, baseline: Described | None = None) -> dict[str, Any]:
    """Return what `describe --json` prints: variant (or block), input, output, depth, params, macs, digest, layers.

    If the spec is changed by settings, `set` holds them by key. With a baseline, `against` holds its name, its params,
    macs and number of layers, and the ratios to them.
    """
    graph = described.graph
    against = baseline and {"variant": baseline.name, **baseline.costs, "ratios": ratios(described, baseline)}
    return {
        described.kind: described.name,
        **({"set": dict(described.overrides)} if described.overrides else {}),
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
        **({"against": against} if against else {}),
    }


def groups(graph: Graph) -> list[Group]:
    """Group the layers of a network by their outermost scope: stem, stage1, ..., head."""
    nodes_of: dict[str, list[Node]] = {}
    for node in graph.layers:
        nodes_of.setdefault(node.name.partition(".")[0], []).append(node)
    return [
        Group(name, _shapes(name, nodes), len(nodes), sum(node.trained for node in nodes), total_macs(nodes))
        for name, nodes in nodes_of.items()
    ]


def _shapes(name: str, nodes: Sequence[Node]) -> tuple[Shape, ...]:
    """The output of a stage; for stem and head, every shape from the first layer to the last."""
    if name.startswith("stage"):
        return (nodes[-1].output,)
    shapes = [node.output for node in nodes]
    return tuple(after for before, after in zip([(), *shapes], shapes, strict=False) if before != after)


def shapes_text(group: Group) -> str:
    """Write the shapes of a group: '64x112x112, 64x56x56'."""
    return ", ".join(show(output) for output in group.shapes)
