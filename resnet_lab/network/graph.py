"""A network as data: parameters, nodes, and the graph they form.

A `Builder` (tensor.py) collects nodes while ops are applied to tensors, and makes a `Graph` of them. A graph knows its
shapes, parameters and multiply-adds, and imports no framework. Shapes are channels first, without the batch:
(channels, height, width), or (features,).
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
    """A layer that cannot work; the message begins with the layer's name and states the shapes."""


def show(shape: Iterable[object]) -> str:
    """Write a shape: (64, 56, 56) as '64x56x56'."""
    return "x".join(map(str, shape))


@dataclass(frozen=True)
class Parameter:
    """One array of a node.

    Attributes:
        shape: the array's shape.
        value: what every element starts at, where `fan` is None.
        fan: (fan_in, fan_out) of a weight that is drawn at random (initial.py).
        trained: whether training changes the array; false for running statistics.
    """

    shape: Shape
    value: float = 0.0
    fan: tuple[int, int] | None = None
    trained: bool = True

    @property
    def size(self) -> int:
        """The number of elements."""
        size = 1
        for extent in self.shape:
            size *= extent
        return size


@dataclass(frozen=True)
class Node:
    """One layer: an op that is applied to the outputs of other nodes.

    Attributes:
        name: the hierarchical name, such as `stage2.block1.conv1`.
        op: the op's name.
        inputs: names of earlier nodes.
        output: the shape of the result.
        attrs: the op's settings. The digest leaves out a setting whose name begins with `_`: it follows from the
            inputs, or says where a thing is kept.
        params: the arrays of this node by their short names, such as `weight`.
        macs: multiply-adds of one image, each counted once, as in Table 1 of He et al. 2015; None where they are not
            known, as for a framework's own module.
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
        """The number of trained parameters."""
        return sum(parameter.size for parameter in self.params.values() if parameter.trained)


def _public(attrs: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The settings that enter the digest, sorted by name."""
    return sorted((key, value) for key, value in attrs.items() if not key.startswith("_"))


def total_macs(nodes: Iterable[Node]) -> int | None:
    """Sum the multiply-adds of nodes; None where those of one node are not known."""
    macs = [node.macs for node in nodes]
    return None if None in macs else sum(count for count in macs if count is not None)


@dataclass(frozen=True)
class Graph:
    """A network.

    Attributes:
        nodes: the nodes in topological order; the first is the input, the last the output.
    """

    nodes: tuple[Node, ...]

    def __repr__(self) -> str:
        macs = "unknown" if self.macs is None else f"{self.macs:,}"
        shapes = f"input {show(self.input)}, output {show(self.output)}"
        size = f"depth {self.depth}, {len(self.layers)} layers, {self.params:,} parameters, {macs} multiply-adds"
        return f"Graph({shapes},\n      {size},\n      digest {self.digest})"

    @property
    def input(self) -> Shape:
        """The shape of one image."""
        return self.nodes[0].output

    @property
    def output(self) -> Shape:
        """The shape of the result for one image."""
        return self.nodes[-1].output

    @property
    def layers(self) -> tuple[Node, ...]:
        """Every node but the input."""
        return self.nodes[1:]

    @cached_property
    def params(self) -> int:
        """The number of trained parameters; running statistics do not count."""
        return sum(node.trained for node in self.nodes)

    @cached_property
    def macs(self) -> int | None:
        """Multiply-adds of one image in convolutions and dense layers, the "FLOPs" of Table 1; None where not known."""
        return total_macs(self.nodes)

    @cached_property
    def depth(self) -> int:
        """Convolutions and dense layers on the longest path from the input to the output.

        Layers that compute a gate are on no path. A framework's own module counts as one layer.
        """
        depth: dict[str, int] = {}
        for node in self.nodes:
            inputs = node.inputs[:1] if node.op == "multiply" else node.inputs
            longest = max((depth[name] for name in inputs), default=0)
            depth[node.name] = longest + (node.op in ("conv", "channel_conv", "dense", "opaque"))
        return depth[self.nodes[-1].name]

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Every array of the network by its canonical name, such as `stage2.block1.conv1.weight`."""
        return {f"{node.name}.{key}": parameter for node in self.nodes for key, parameter in node.params.items()}

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits that are equal for equal networks, however the networks were described.

        A node's hash covers its op, its settings, its parameters and the hashes of its inputs. The order of independent
        nodes and the order of the two terms of a sum therefore do not matter. The name of a layer with parameters
        matters, because the layer's initial weights are drawn by its name (initial.py).
        """

        def content(node: Node, inputs: list[str]) -> list[Any]:
            # `vars` and not `asdict`, which copies the tuples: a third of the time of a digest
            params = sorted((key, vars(parameter)) for key, parameter in node.params.items())
            return [node.op, node.name if node.params else "", node.output, _public(node.attrs), params, inputs]

        return self._hash(content)

    @cached_property
    def architecture(self) -> str:
        """16 hexadecimal digits that are equal for networks of the same layers, names and settings, at any width.

        Shapes do not enter. Weights of another architecture can have the same shapes (no weight shows a stride), and
        are of no use.
        """
        return self._hash(lambda node, inputs: [node.op, node.name, _public(node.attrs), inputs])

    def _hash(self, content: Callable[[Node, list[str]], list[Any]]) -> str:
        """Hash the output's node; `content` gives what enters of each node, given the hashes of its inputs."""
        hashes: dict[str, str] = {}
        for node in self.nodes:
            inputs = [hashes[name] for name in node.inputs]
            if node.op == "add" and len(inputs) == 2:
                inputs.sort()
            hashes[node.name] = hashlib.sha256(json.dumps(content(node, inputs)).encode()).hexdigest()
        return hashes[self.nodes[-1].name][:16]

    def table(self) -> pd.DataFrame:
        """One row for each layer: name, op, output (CxHxW), params (trained), macs."""
        import pandas as pd

        rows = [(node.name, node.op, show(node.output), node.trained, node.macs) for node in self.layers]
        return pd.DataFrame(rows, columns=["name", "op", "output", "params", "macs"])

    def to_json(self) -> list[dict[str, Any]]:
        """Write the graph as JSON values, from which `from_json` makes an equal graph."""
        return [asdict(node) for node in self.nodes]

    @staticmethod
    def from_json(nodes: list[dict[str, Any]]) -> Graph:
        """Make a graph of the values of `to_json`, also after these were written to a JSON file and read again."""

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
