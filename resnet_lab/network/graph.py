"""A network as data: parameters, nodes, and the graph they form.

A `Builder` collects nodes while ops (ops.py) are applied to `Tensor`s; `Builder.finish` closes it
into a `Graph`, which knows its shapes, parameters and multiply-adds, and imports no framework.
Shapes are channels first, without the batch: (channels, height, width), or (features,).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..base.errors import LabError

if TYPE_CHECKING:
    import pandas as pd

Shape = tuple[int, ...]


class GraphError(LabError):
    """An op that cannot work; the message begins with the node's name and tells the shapes."""


def show(shape: Iterable[object]) -> str:
    """(64, 56, 56) as '64x56x56'."""
    return "x".join(map(str, shape))


@dataclass(frozen=True)
class Parameter:
    """One array of a node: its shape, how it starts, and whether training changes it.

    `fan` is (fan_in, fan_out) for a weight that the recipe draws (weights.py);
    None means that every element starts at `value`.
    """

    shape: Shape
    value: float = 0.0
    fan: tuple[int, int] | None = None
    trained: bool = True

    @property
    def size(self) -> int:
        size = 1
        for extent in self.shape:
            size *= extent
        return size


@dataclass(frozen=True)
class Node:
    """One op applied to the outputs of other nodes.

    `name` is hierarchical (`stage2.block1.conv1`), `inputs` are names of earlier nodes,
    `macs` counts multiply-adds, each once, as Table 1 of He et al. 2015 does; None where they are
    not known, as of a block that is a framework's own module. Attributes that begin with `_` say
    where a thing lies, not what it is: the digest leaves them out.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    output: Shape
    attrs: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Parameter] = field(default_factory=dict)
    macs: int | None = 0

    @property
    def trained(self) -> int:
        """How many numbers of this node training changes."""
        return sum(parameter.size for parameter in self.params.values() if parameter.trained)


def _public(attrs: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The attributes that say what a node is, in order."""
    return sorted((key, value) for key, value in attrs.items() if not key.startswith("_"))


def total_macs(nodes: Iterable[Node]) -> int | None:
    """Multiply-adds of several nodes; None where those of one are not known."""
    macs = [node.macs for node in nodes]
    return None if None in macs else sum(count for count in macs if count is not None)


@dataclass(frozen=True)
class Graph:
    """A network: nodes in topological order, the first its input, the last its output."""

    nodes: tuple[Node, ...]

    @property
    def input(self) -> Shape:
        return self.nodes[0].output

    @property
    def output(self) -> Shape:
        return self.nodes[-1].output

    @property
    def layers(self) -> tuple[Node, ...]:
        """Every node but the input."""
        return self.nodes[1:]

    @cached_property
    def params(self) -> int:
        """Trained parameters; running statistics do not count."""
        return sum(node.trained for node in self.nodes)

    @cached_property
    def macs(self) -> int | None:
        """Multiply-adds of one image, in convolutions and dense layers; the "FLOPs" of Table 1. None: not known."""
        return total_macs(self.nodes)

    @cached_property
    def depth(self) -> int:
        """Convolutions and dense layers on the longest way through; a gate's own layers are not on it.

        A block that is a framework's own module counts as one.
        """
        depth: dict[str, int] = {}
        for node in self.nodes:
            ways = node.inputs[:1] if node.op == "multiply" else node.inputs
            depth[node.name] = max((depth[name] for name in ways), default=0) + (node.op in ("conv", "dense", "opaque"))
        return depth[self.nodes[-1].name]

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Every array of the network by its canonical name, `stage2.block1.conv1.weight`."""
        return {f"{node.name}.{key}": parameter for node in self.nodes for key, parameter in node.params.items()}

    @cached_property
    def digest(self) -> str:
        """16 hex digits that are equal for equal networks, however they were described.

        A node's hash covers its op, attributes, parameters and its inputs' hashes, so neither the
        order of independent nodes nor that of the two terms of a sum matters. The name of a layer
        with parameters counts: its initial weights are drawn by it (weights.py).
        """

        def content(node: Node, inputs: list[str]) -> list[Any]:
            params = sorted((key, asdict(parameter)) for key, parameter in node.params.items())
            return [node.op, node.name if node.params else "", node.output, _public(node.attrs), params, inputs]

        return self._hash(content)

    @cached_property
    def architecture(self) -> str:
        """16 hex digits that are equal for networks of the same layers by the same names, of whatever input and widths.

        Weights fit a network of another architecture where the shapes are the same (a stride has
        none), and are worth nothing there.
        """
        return self._hash(lambda node, inputs: [node.op, node.name, _public(node.attrs), inputs])

    def _hash(self, content: Callable[[Node, list[str]], list[Any]]) -> str:
        """Of the output, over what counts of each node and of its inputs' hashes; the terms of a sum in any order."""
        hashes: dict[str, str] = {}
        for node in self.nodes:
            inputs = [hashes[name] for name in node.inputs]
            if node.op == "add" and len(inputs) == 2:
                inputs.sort()
            hashes[node.name] = hashlib.sha256(json.dumps(content(node, inputs)).encode()).hexdigest()
        return hashes[self.nodes[-1].name][:16]

    def table(self) -> pd.DataFrame:
        """One row a layer: name, op, output (C, H, W), params (trained), macs."""
        import pandas as pd

        rows = [(node.name, node.op, show(node.output), node.trained, node.macs) for node in self.layers]
        return pd.DataFrame(rows, columns=["name", "op", "output", "params", "macs"])

    def to_json(self) -> list[dict[str, Any]]:
        """The graph as JSON values; `from_json` gives an equal one."""
        return [asdict(node) for node in self.nodes]

    @staticmethod
    def from_json(nodes: list[dict[str, Any]]) -> Graph:
        """Read back what `to_json` gave, after a way through JSON or not."""

        def parameter(value: dict[str, Any]) -> Parameter:
            fan = None if value["fan"] is None else (value["fan"][0], value["fan"][1])
            return Parameter(tuple(value["shape"]), value["value"], fan, value["trained"])

        return Graph(
            tuple(
                Node(
                    node["name"],
                    node["op"],
                    tuple(node["inputs"]),
                    tuple(node["output"]),
                    node["attrs"],
                    {key: parameter(value) for key, value in node["params"].items()},
                    node["macs"],
                )
                for node in nodes
            )
        )
