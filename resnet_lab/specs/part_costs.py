"""The costs of a network from the costs of its parts, which a search needs for many more networks than it keeps.

A block is given the shape of its input, its width, its stride, its shortcut and its options, and nothing else. Blocks
that are given the same cost the same, so each is built once, and the costs of a network are sums over its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..network.graph import Shape
from ..network.tensor import Builder, Tensor
from .building import apply_block, apply_head, apply_stem
from .variant import Variant


@dataclass(frozen=True)
class Costs:
    """What a network, or a part of it, costs; `network.graph.Graph` has properties of the same names.

    Attributes:
        macs: the multiply-adds of one image; None where they are not known.
        params: the number of trained parameters.
        depth: convolutions and dense layers on the longest path.
        output: the shape of the result.
    """

    macs: int | None
    params: int
    depth: int
    output: Shape

    def then(self, other: Costs) -> Costs:
        """The costs of this part and another one that follows it."""
        macs = None if self.macs is None or other.macs is None else self.macs + other.macs
        return Costs(macs, self.params + other.params, self.depth + other.depth, other.output)


@dataclass
class PartCosts:
    """Adds up the costs of networks that are one variant with different changes.

    Attributes:
        build: gives the variant with changes, which have the dotted keys of `specs.variant.load`.
    """

    build: Callable[[Mapping[str, Any]], Variant]
    _variants: dict[str, Variant] = field(default_factory=dict)
    _parts: dict[tuple[Any, ...], Costs] = field(default_factory=dict)
    """The costs of stems, stages, single blocks and heads, by everything that they depend on."""

    def of(self, changes: Mapping[str, Any], input: Shape, classes: int) -> Costs:
        """The costs of the network that the variant makes with some changes.

        Args:
            changes: values by dotted keys, such as `stages.2.repeat`; a new list of `stages` is not possible.
            input: the shape of an image, (channels, height, width).
            classes: outputs of the head.

        Raises:
            GraphError: There is no such network.
            LabError: A stage is not valid with the changes of this stage alone.
        """
        common = {key: value for key, value in changes.items() if not key.startswith("stages.")}
        rest, text = self._variant(common)
        costs = self._part(("stem", text), input, partial(apply_stem, stem=rest.spec.stem))
        for number, stage in enumerate(_by_stage(changes, common, len(rest.spec.stages)), 1):
            costs = costs.then(self._stage(number, stage, costs.output))
        head = partial(apply_head, head=rest.spec.head, classes=classes)
        return costs.then(self._part(("head", text, classes), costs.output, head))

    def _variant(self, changes: Mapping[str, Any]) -> tuple[Variant, str]:
        """The variant with changes, and the changes as a text."""
        text = repr(changes)
        if text not in self._variants:
            self._variants[text] = self.build(changes)
        return self._variants[text], text

    def _stage(self, number: int, changes: Mapping[str, Any], input: Shape) -> Costs:
        """The costs of a stage; `number` counts from 1."""
        variant, text = self._variant(changes)
        key = ("stage", number, text, input)
        if key not in self._parts:
            stage = variant.spec.stages[number - 1]
            costs = Costs(0, 0, 0, input)
            block = stage.model_dump_json(exclude={"repeat"})
            for is_first in (True, *[False] * (stage.repeat - 1)):
                function = partial(apply_block, stage=stage, is_first=is_first)
                costs = costs.then(self._part(("block", block, is_first), costs.output, function))
            self._parts[key] = costs
        return self._parts[key]

    def _part(self, key: tuple[Any, ...], input: Shape, function: Callable[[Tensor], Tensor]) -> Costs:
        """The costs of what a function of a tensor appends to a network."""
        if (key, input) not in self._parts:
            builder = Builder()
            graph = builder.finish(function(builder.input(input)))
            self._parts[key, input] = Costs(graph.macs, graph.params, graph.depth, graph.output)
        return self._parts[key, input]


def _by_stage(changes: Mapping[str, Any], common: Mapping[str, Any], stages: int) -> list[dict[str, Any]]:
    """For each stage the changes that it sees: its own and those that are common to all, in their order."""
    found: list[dict[str, Any]] = [{} for _ in range(stages)]
    for key, value in changes.items():
        if key in common:
            for stage in found:
                stage[key] = value
            continue
        number = key.split(".", 2)[1]
        if number.isdecimal() and 1 <= int(number) <= stages:
            found[int(number) - 1][key] = value
    return found
