"""Symbolic tensors, and the builder that collects the nodes which ops make of them.

Ops (ops.py) take and return `Tensor`s; each op appends one node to the tensor's `Builder`, and `Builder.finish` closes
the nodes into a `Graph`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .graph import Graph, GraphError, Node, Parameter, Shape, show

OPS: dict[str, Callable[..., Tensor]] = {}
"""Every op by name; filled by the `op` decorator in ops.py, walked by the engines' tests."""


class UnusedError(GraphError):
    """A layer with weights, of the name `node`, whose output nothing takes; known only once the network is whole."""

    def __init__(self, node: Node) -> None:
        super().__init__(f"{node.name}: its output {show(node.output)} is never used")
        self.node = node.name


@dataclass(frozen=True, eq=False)
class Tensor:
    """A handle on a node's output; what ops take and return."""

    builder: Builder
    node: Node

    @property
    def shape(self) -> Shape:
        """Channels first, without the batch."""
        return self.node.output

    @property
    def channels(self) -> int:
        return self.node.output[0]

    def __add__(self, other: Tensor) -> Tensor:
        return OPS["add"](self, other)

    def __mul__(self, other: Tensor) -> Tensor:
        return OPS["multiply"](self, other)


class Builder:
    """Collects nodes, names them by scope (`conv1`, `conv2`, ... within each), and closes the graph."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self._scopes: list[str] = []
        self._counts: dict[str, int] = {}

    def input(self, shape: Shape) -> Tensor:
        """The images that go in, of `shape` (channels, height, width)."""
        if len(shape) != 3 or min(shape) < 1:
            raise GraphError(f"an input is CxHxW with every extent at least 1, not {show(shape)}")
        return self.emit("input", (), output=shape, name="input")

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Names given inside begin with `name` and a dot."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    @property
    def prefix(self) -> str:
        """What names given here begin with: the open scopes, a dot after each."""
        return "".join(scope + "." for scope in self._scopes)

    def next_name(self, op: str, name: str | None = None) -> str:
        """The full name that the next node of `op` gets here."""
        return self.prefix + (name or f"{op}{self._counts.get(self.prefix + op, 0) + 1}")

    def emit(
        self,
        op: str,
        inputs: tuple[Tensor, ...],
        *,
        output: Shape,
        attrs: Mapping[str, Any] | None = None,
        params: Mapping[str, Parameter] | None = None,
        macs: int | None = 0,
        name: str | None = None,
    ) -> Tensor:
        """Append a node; every op ends here.

        Raises:
            GraphError: the name is taken, or an input belongs to another network.
        """
        full = self.next_name(op, name)
        if full in self.nodes:
            raise GraphError(f"{full}: the name is taken by an earlier {self.nodes[full].op}")
        if any(tensor.builder is not self for tensor in inputs):
            raise GraphError(f"{full}: an input belongs to another network")
        if name is None:
            self._counts[self.prefix + op] = self._counts.get(self.prefix + op, 0) + 1
        names = tuple(tensor.node.name for tensor in inputs)
        node = self.nodes[full] = Node(full, op, names, output, dict(attrs or {}), dict(params or {}), macs)
        return Tensor(self, node)

    def finish(self, output: Tensor) -> Graph:
        """The graph that computes `output`.

        Raises:
            UnusedError: a layer with weights is computed but never used.
        """
        used, todo = set(), [output.node.name]
        while todo:
            name = todo.pop()
            if name not in used:
                used.add(name)
                todo.extend(self.nodes[name].inputs)
        for node in self.nodes.values():
            if node.name not in used and node.params:
                raise UnusedError(node)
        return Graph(tuple(node for node in self.nodes.values() if node.name in used))
