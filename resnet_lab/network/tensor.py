"""Symbolic tensors, and the builder that collects the layers of a network.

Ops take tensors and return one. Each op appends one node to the tensor's `Builder`, and `Builder.finish` makes a
`Graph` of the nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .graph import Graph, GraphError, Node, Parameter, Shape, show

OPS: dict[str, Callable[..., Tensor]] = {}
"""Every op by name; the decorator `op` (ops/define.py) registers an op here, and the engines' tests go through all."""


class UnusedError(GraphError):
    """A layer with weights whose output no other layer takes; this is known when the network is complete.

    Attributes:
        node: the layer's name.
    """

    def __init__(self, node: Node) -> None:
        super().__init__(f"{node.name}: its output {show(node.output)} is never used")
        self.node = node.name


@dataclass(frozen=True, eq=False)
class Tensor:
    """The output of a layer, which further ops take.

    Attributes:
        builder: the network that the layer belongs to.
        node: the layer.
    """

    builder: Builder
    node: Node

    def __repr__(self) -> str:
        return f"Tensor({self.node.name}, {show(self.shape)})"

    @property
    def shape(self) -> Shape:
        """The shape, channels first, without the batch."""
        return self.node.output

    @property
    def channels(self) -> int:
        """The number of channels, or of features."""
        return self.node.output[0]

    def __add__(self, other: Tensor | float) -> Tensor:
        return OPS["add"](self, other) if isinstance(other, Tensor) else OPS["affine"](self, 1, other)

    def __sub__(self, other: Tensor | float) -> Tensor:
        return OPS["subtract"](self, other) if isinstance(other, Tensor) else OPS["affine"](self, 1, -other)

    def __mul__(self, other: Tensor | float) -> Tensor:
        return OPS["multiply"](self, other) if isinstance(other, Tensor) else OPS["affine"](self, other)

    def __truediv__(self, number: float) -> Tensor:
        return OPS["affine"](self, 1 / number)

    def __radd__(self, number: float) -> Tensor:
        return OPS["affine"](self, 1, number)

    def __rsub__(self, number: float) -> Tensor:
        return OPS["affine"](self, -1, number)

    def __rmul__(self, number: float) -> Tensor:
        return OPS["affine"](self, number)

    def __neg__(self) -> Tensor:
        return OPS["affine"](self, -1)

    def __getitem__(self, channels: slice) -> Tensor:
        """The channels from `start` up to `stop`, as in `x[8:16]`.

        Raises:
            GraphError: The index is not a slice with the step 1, or it holds no channel.
        """
        first, stop, step = channels.indices(self.channels) if isinstance(channels, slice) else (0, 0, 0)
        if step != 1 or first >= stop:
            raise GraphError(f"{self!r}: channels are taken by a slice such as x[8:16], not by {channels!r}")
        sizes = [size for size in (first, stop - first, self.channels - stop) if size]
        parts: Any = OPS["split"](self, sizes)
        return parts[1 if first else 0]  # type: ignore[no-any-return]


class Builder:
    """A network in the making: collects the nodes, and names them `conv1`, `conv2`, ... in each scope."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.prefix = ""
        """The open scopes, each with a dot after it: the names of new layers begin with them."""
        self._counts: dict[str, int] = {}

    def input(self, shape: Shape) -> Tensor:
        """Begin the network with its images.

        Args:
            shape: (channels, height, width).

        Raises:
            GraphError: The shape does not have three extents of at least 1.
        """
        if len(shape) != 3 or min(shape) < 1:
            raise GraphError(f"an input is CxHxW with every extent at least 1, not {show(shape)}")
        return self.emit("input", (), output=shape, name="input")

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Begin the names of layers made inside with `name` and a dot."""
        outer = self.prefix
        self.prefix += f"{name}."
        try:
            yield
        finally:
            self.prefix = outer

    def next_name(self, op: str, name: str | None = None) -> str:
        """The full name that the next layer of `op` gets in the open scopes."""
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
        """Append a node.

        Args:
            op: the op's name.
            inputs: the tensors that the op takes.
            output: the shape of the result.
            attrs: the op's settings.
            params: the node's arrays.
            macs: multiply-adds of one image; None where they are not known.
            name: the layer's name; counted up where None.

        Returns:
            The tensor that the op makes.

        Raises:
            GraphError: The name is taken, or an input belongs to another network.
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
        """Make the graph that computes `output`; layers without weights that nothing uses are left out.

        Raises:
            UnusedError: No layer uses the output of a layer with weights.
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
