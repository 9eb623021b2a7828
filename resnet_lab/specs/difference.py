"""What differs between two networks: the keys of their specs, their stages, their costs and their layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..network.graph import Node, show
from .describe import Described, groups
from .stages import StageSpec, VariantSpec

_NAMES = ("description", "blocks")
"""Keys of a spec that say nothing about the network itself."""

Pair = tuple[Any, Any]


@dataclass(frozen=True)
class StageDifference:
    """A stage, the stem or the head, in which two networks differ.

    Attributes:
        name: `stem`, `stage1`, ..., `head`.
        blocks: for each network its blocks in words, such as `2 x basic, 64`; None where it has no such stage.
        params: for each network the number of trained parameters of the stage.
        macs: for each network the multiply-adds of the stage; None where they are not known.
    """

    name: str
    blocks: tuple[str | None, str | None]
    params: tuple[int, int]
    macs: tuple[int | None, int | None]


@dataclass(frozen=True)
class Difference:
    """What differs between two networks.

    Attributes:
        names: the names of the two variants.
        spec: for each dotted key of the specs with different values, the two values; None where a spec has no such key.
        stages: the stages that differ.
        costs: depth, params, macs and layers of both.
        only: for each network the layers whose names the other does not have.
        changed: the layers of one name whose op, shapes or settings differ.
    """

    names: tuple[str, str]
    spec: Mapping[str, Pair]
    stages: tuple[StageDifference, ...]
    costs: Mapping[str, Pair]
    only: tuple[tuple[Node, ...], tuple[Node, ...]]
    changed: tuple[tuple[Node, Node], ...]

    @property
    def is_same(self) -> bool:
        """Whether the two are one network; their specs may still be written in different ways."""
        return not any(self.only) and not self.changed

    def to_json(self) -> dict[str, Any]:
        """The difference as JSON values; every pair is in the order of the two variants."""
        first, second = ([node.name for node in side] for side in self.only)
        return {
            "variants": list(self.names),
            "same": self.is_same,
            **{name: list(pair) for name, pair in self.costs.items()},
            "spec": {key: list(pair) for key, pair in self.spec.items()},
            "stages": [
                {"name": one.name, "blocks": list(one.blocks), "params": list(one.params), "macs": list(one.macs)}
                for one in self.stages
            ],
            "only": [first, second],
            "changed": [
                {"name": ours.name, "from": layer_text(ours), "to": layer_text(theirs)} for ours, theirs in self.changed
            ],
        }


def difference(ours: Described, theirs: Described) -> Difference:
    """Compare two networks layer by layer and their specs key by key.

    Args:
        ours: a variant.
        theirs: another variant, built for images of the same shape.
    """
    specs = [dict(_flat(_keys(one.spec))) if one.spec else {} for one in (ours, theirs)]
    spec = {key: (specs[0].get(key), specs[1].get(key)) for key in specs[0] | specs[1]}
    layers = [{node.name: node for node in one.graph.layers} for one in (ours, theirs)]
    first = tuple(node for name, node in layers[0].items() if name not in layers[1])
    second = tuple(node for name, node in layers[1].items() if name not in layers[0])
    both = [(node, layers[1][name]) for name, node in layers[0].items() if name in layers[1]]
    changed = tuple(pair for pair in both if _content(pair[0]) != _content(pair[1]) or _is_rewired(*pair, *layers))
    depth = {"depth": (ours.graph.depth, theirs.graph.depth)}
    costs = depth | {name: (count, theirs.costs[name]) for name, count in ours.costs.items()}
    pairs = {key: pair for key, pair in spec.items() if pair[0] != pair[1]}
    touched = {node.name.partition(".")[0] for node in (*first, *second, *(pair[0] for pair in changed))}
    return Difference((ours.name, theirs.name), pairs, _stages(ours, theirs, touched), costs, (first, second), changed)


def layer_text(node: Node) -> str:
    """A layer in a few words: `conv 64x112x112 kernel=(7, 7) stride=2`."""
    attrs = [f"{key}={value}" for key, value in node.attrs.items() if not key.startswith("_")]
    return " ".join([node.op, show(node.output), *attrs])


def change_text(ours: Node, theirs: Node) -> str:
    """What differs between two layers of one name: `output 64x28x28 -> 64x56x56, stride 2 -> 1`."""
    pairs: dict[str, Pair] = {"op": (ours.op, theirs.op), "output": (show(ours.output), show(theirs.output))}
    pairs["inputs"] = ", ".join(ours.inputs), ", ".join(theirs.inputs)
    for key in dict.fromkeys((*ours.attrs, *theirs.attrs)):
        if not key.startswith("_"):
            pairs[key] = ours.attrs.get(key), theirs.attrs.get(key)
    shapes = [{name: one.shape for name, one in node.params.items()} for node in (ours, theirs)]
    pairs |= {name: (shapes[0].get(name), shapes[1].get(name)) for name in shapes[0] | shapes[1]}
    return ", ".join(f"{key} {one} -> {other}" for key, (one, other) in pairs.items() if one != other)


def _content(node: Node) -> tuple[Any, ...]:
    """What makes a layer what it is, beside its name and its inputs."""
    attrs = {key: value for key, value in node.attrs.items() if not key.startswith("_")}
    return node.op, node.output, attrs, {name: one.shape for name, one in node.params.items()}


def _is_rewired(ours: Node, theirs: Node, *layers: Mapping[str, Node]) -> bool:
    """Whether two layers take other inputs; an input that only one network has is listed as a layer of its own."""
    common = layers[0].keys() & layers[1].keys()
    return ours.inputs != theirs.inputs and {*ours.inputs, *theirs.inputs} <= common


def _keys(spec: VariantSpec) -> dict[str, Any]:
    return {key: value for key, value in spec.model_dump(mode="json").items() if key not in _NAMES}


def _flat(values: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value by its dotted key; the stages are counted from 1, as in the names of layers."""
    for key, value in values.items():
        if key == "stages":
            for index, stage in enumerate(value, 1):
                yield from _flat(stage, f"stage{index}.")
        elif isinstance(value, Mapping):
            yield from _flat(value, f"{place}{key}.")
        else:
            yield f"{place}{key}", value


def _stages(ours: Described, theirs: Described, touched: set[str]) -> tuple[StageDifference, ...]:
    """The stages that differ, in the order of the network that has more of them."""
    costs = [{group.name: (group.params, group.macs) for group in groups(one.graph)} for one in (ours, theirs)]
    names = max(costs, key=len)
    found = []
    for name in names:
        if name in touched:
            (params, macs), (other_params, other_macs) = (side.get(name, (0, 0)) for side in costs)
            blocks = _words(ours.spec, name), _words(theirs.spec, name)
            found.append(StageDifference(name, blocks, (params, other_params), (macs, other_macs)))
    return tuple(found)


def _words(spec: VariantSpec | None, name: str) -> str | None:
    """A part of a network in words; None where the network has no such stage."""
    if spec is None:
        return None
    if name == "stem":
        return f"{spec.stem.type}, {spec.stem.channels}"
    if name == "head":
        return f"{spec.head.classes} classes"
    index = int(name.removeprefix("stage")) - 1
    return _stage_words(spec.stages[index]) if index < len(spec.stages) else None


def _stage_words(stage: StageSpec) -> str:
    stride = f", /{stage.stride}" if stage.stride != 1 else ""
    return f"{stage.repeat} x {stage.block}, {stage.channels}{stride}"
