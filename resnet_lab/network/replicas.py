"""Several replicas of a network as one stacked network, so that one training step trains all of them.

A stacked tensor holds the channels of the first replica, then those of the second, and so on. A vector (C,) of the
network becomes a feature map (count * C, 1, 1). The replicas share no arithmetic: each has its own images, weights,
statistics and logits.

The file of an op says how the op is applied to stacked tensors (`replicates`). Most ops are applied once to all
channels (`widened`). An op whose result mixes the channels is applied to each replica's part (`apart`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .graph import Graph, GraphError, Node, Shape
from .tensor import OPS, Builder, Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]

Rule = Callable[["Stack", Node, Sequence[Tensor]], Tensor]
"""Applies a node of the network to stacked tensors; receives those of the node's inputs, and returns the result."""

RULES: dict[str, Rule] = {}
"""The rule of each op, by the name of the op."""


def replicates(*ops: str) -> Callable[[Rule], Rule]:
    """Register the decorated function as the rule of one or several ops."""

    def register(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(ops, rule))
        return rule

    return register


class Stack:
    """The stacked network while it is made.

    Args:
        count: the number of replicas.

    Attributes:
        builder: collects the layers of the stacked network.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.builder = Builder()
        self._parts: dict[str, list[Tensor]] = {}

    def parts(self, x: Tensor) -> list[Tensor]:
        """The part of each replica of a stacked tensor; a tensor is divided at most once."""
        name = x.node.name
        if name not in self._parts:
            self._parts[name] = OPS["split"](x, self.count, name=f"{name}.replicas")  # type: ignore[assignment]
        return self._parts[name]

    def join(self, parts: Sequence[Tensor], name: str) -> Tensor:
        """Stack one tensor of each replica; `parts` of the result gives these tensors back."""
        joined = OPS["concat"](*parts, name=name)
        self._parts[joined.node.name] = list(parts)
        return joined


def as_map(shape: Shape) -> Shape:
    """The shape that a tensor of one replica has in a stacked network: a vector (C,) is a map (C, 1, 1)."""
    return (*shape, 1, 1) if len(shape) == 1 else shape


def widened(stack: Stack, node: Node, inputs: Sequence[Tensor], **attrs: Any) -> Tensor:
    """Apply an op once to the channels of all replicas; `attrs` are the settings that differ for more channels."""
    count, output = stack.count, as_map(node.output)
    params = {
        key: replace(parameter, shape=(count * parameter.shape[0], *parameter.shape[1:]))
        for key, parameter in node.params.items()
    }
    return stack.builder.emit(
        node.op,
        tuple(inputs),
        output=(count * output[0], *output[1:]),
        attrs={**node.attrs, **attrs},
        params=params,
        macs=None if node.macs is None else count * node.macs,
        name=node.name,
    )


def apart(stack: Stack, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """Apply an op to the part of each replica, and stack the results; each replica has a layer of its own for it."""
    layers = [
        stack.builder.emit(
            node.op,
            parts,
            output=as_map(node.output),
            attrs=node.attrs,
            params=node.params,
            macs=node.macs,
            name=own_layer(node, number),
        )
        for number, parts in enumerate(zip(*(stack.parts(x) for x in inputs), strict=True))
    ]
    return stack.join(layers, node.name)


def own_layer(node: Node, number: int) -> str:
    """The name of a replica's own layer (`apart`); the replicas are counted from 0 here, and from 1 in the name."""
    return f"{node.name}.replica{number + 1}"


@dataclass(frozen=True)
class Replicas:
    """A network, and the stacked network of its replicas.

    Attributes:
        network: the network of one replica.
        count: the number of replicas.
        graph: the stacked network, from images (count * C, H, W) to logits (count * classes, 1, 1).
    """

    network: Graph
    count: int
    graph: Graph

    def stack(self, weights: Sequence[Arrays]) -> dict[str, NDArray[Any]]:
        """Make the stacked network's arrays.

        Args:
            weights: the arrays of each replica by the network's canonical names.

        Returns:
            The arrays of all replicas by the stacked network's canonical names.
        """
        import numpy as np

        shapes = {name: parameter.shape for name, parameter in self.graph.parameters.items()}
        stacked: dict[str, NDArray[Any]] = {}
        for name, own in self._names().items():
            arrays = [each[name] for each in weights]
            if len(own) == 1:
                stacked[own[0]] = np.concatenate(arrays).reshape(shapes[own[0]])
            else:
                stacked |= zip(own, arrays, strict=True)
        return stacked

    def unstack(self, stacked: Arrays) -> list[dict[str, NDArray[Any]]]:
        """Divide the stacked network's arrays: the inverse of `stack`."""
        import numpy as np

        weights: list[dict[str, NDArray[Any]]] = [{} for _ in range(self.count)]
        for name, own in self._names().items():
            shape = self.network.parameters[name].shape
            arrays = [stacked[each] for each in own] if len(own) > 1 else np.split(stacked[own[0]], self.count)
            for each, array in zip(weights, arrays, strict=True):
                each[name] = array.reshape(shape)
        return weights

    def _names(self) -> dict[str, list[str]]:
        """By canonical name: the name of the one array that holds all replicas, or of each replica's own array."""
        known = self.graph.parameters
        return {
            f"{node.name}.{key}": [f"{node.name}.{key}"]
            if f"{node.name}.{key}" in known
            else [f"{own_layer(node, number)}.{key}" for number in range(self.count)]
            for node in self.network.nodes
            for key in node.params
        }


def replicate(network: Graph, count: int) -> Replicas:
    """Make one network of several replicas of a network.

    Args:
        network: the network of one replica.
        count: the number of replicas.

    Raises:
        GraphError: a layer's op has no rule for several replicas.
        ValueError: the count is below 1.
    """
    if count < 1:
        raise ValueError(f"{count} replicas")
    stack = Stack(count)
    channels, height, width = network.input
    tensors = {network.nodes[0].name: stack.builder.input((count * channels, height, width))}
    for node in network.layers:
        if node.op not in RULES:
            raise GraphError(f"{node.name}: the op '{node.op}' has no rule for several replicas in one network")
        tensors[node.name] = RULES[node.op](stack, node, [tensors[name] for name in node.inputs])
    return Replicas(network, count, stack.builder.finish(tensors[network.nodes[-1].name]))
