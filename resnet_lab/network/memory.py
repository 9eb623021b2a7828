"""How much memory a training step needs, from the graph alone: weights, optimizer state, activations, gradients.

A step is played through layer by layer. In the forward pass each layer makes its output; an output stays in memory as
long as a later layer takes it, or as long as the backward pass of some layer needs it (`KEPT`). In the backward pass,
in the opposite order, each layer makes the gradients of its inputs and of its weights, and what it needed is freed. The
largest sum on the way is the peak. Memory that a kernel needs for itself, and memory that an allocator holds back, are
not counted; a calibration (training/calibration.py) measures by how much an engine exceeds the count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .graph import Graph, Node, Shape

BYTES = 4
"""The bytes of an element of float32, which all weights and their optimizer state have."""

KEPT = {
    "conv": "inputs",
    "dense": "inputs",
    "channel_conv": "inputs",
    "norm": "inputs",
    "prelu": "inputs",
    "layer_scale": "inputs",
    "multiply": "inputs",
    "max_pool": "inputs",
    "avg_pool": "inputs",
    "relu6": "inputs",
    "gelu": "inputs",
    "silu": "inputs",
    "hard_swish": "inputs",
    "relu": "output",
    "sigmoid": "output",
    "tanh": "output",
    "softmax": "output",
}
"""What the backward pass of each op needs of the forward pass. Other ops (sums, global means, padding) need nothing."""

_EXTRA = {"max_pool": 2.0, "dropout": 1.0, "channel_max": 2.0}
"""What an op keeps beside activations, in multiples of its output: the places of maxima (64 bits), a random mask."""


@dataclass(frozen=True)
class Memory:
    """The memory of a training step, in bytes.

    Attributes:
        weights: all arrays of the network, with running statistics.
        state: what the optimizer remembers of the weights.
        activations: what the backward pass needs of the forward pass.
        peak: the largest sum of these and of the gradients at any moment of the step.
    """

    weights: int
    state: int
    activations: int
    peak: int


def training_memory(graph: Graph, batch: int, slots: int = 1, bytes_each: int = BYTES) -> Memory:
    """Count the memory of a training step.

    Args:
        graph: the network.
        batch: the number of images in a batch.
        slots: how many arrays the optimizer remembers of each weight: 1 for SGD with momentum, 2 for Adam.
        bytes_each: the bytes of an element of an activation: 4 in float32, 2 in float16 and bfloat16.
    """
    weights = BYTES * sum(parameter.size for parameter in graph.parameters.values())
    state = BYTES * slots * graph.params
    step = _Step(graph, batch * bytes_each)
    step.forward()
    activations = step.live
    step.backward()
    return Memory(weights, state, round(activations), round(weights + state + step.peak))


def layer_activations(graph: Graph, batch: int, bytes_each: int = BYTES) -> dict[str, int]:
    """For each layer the bytes of its output and masks that are kept until the backward pass; 0 where none are."""
    step = _Step(graph, batch * bytes_each)
    step.forward()
    kept = dict.fromkeys((node.name for node in graph.nodes), 0.0)
    for name in step.needed_by:
        kept[name] += step.sizes[name]
    for node in graph.nodes:
        kept[node.name] += step.extra(node)
    return {name: round(size) for name, size in kept.items()}


def _elements(shape: Shape) -> int:
    product = 1
    for extent in shape:
        product *= extent
    return product


class _Step:
    """A training step that is played through.

    Args:
        graph: the network.
        scale: the bytes of one element of the shapes: the batch times the bytes of an element.

    Attributes:
        live: the bytes of activations and gradients that are in memory now.
        peak: the largest value of `live` so far.
        sizes: the bytes of the output of each node.
        needed_by: the nodes whose backward passes need the output of a node; only nodes whose output is needed.
    """

    def __init__(self, graph: Graph, scale: int) -> None:
        self.graph, self.live, self.peak = graph, 0.0, 0.0
        self.sizes = {node.name: float(scale * _elements(node.output)) for node in graph.nodes}
        self._uses = {node.name: 0 for node in graph.nodes}
        for node in graph.nodes:
            for name in node.inputs:
                self._uses[name] += 1
        self._memory_of = self._places()
        self.needed_by: dict[str, set[str]] = {}
        for node in graph.nodes:
            for name in self._needs(node):
                self.needed_by.setdefault(self._memory_of[name], set()).add(node.name)

    def _places(self) -> dict[str, str]:
        """The node whose output each node's output shares the memory of: ReLU writes over its input where it may."""
        ops = {node.name: node.op for node in self.graph.nodes}
        memory_of: dict[str, str] = {}
        for node in self.graph.nodes:
            memory_of[node.name] = node.name
            if node.op == "relu" and self._uses[node.inputs[0]] == 1 and ops[node.inputs[0]] in ("conv", "norm", "add"):
                memory_of[node.name] = memory_of[node.inputs[0]]
            if node.op in ("part", "split"):
                memory_of[node.name] = memory_of[node.inputs[0]]
        return memory_of

    @staticmethod
    def _needs(node: Node) -> Iterable[str]:
        kept = KEPT.get(node.op, "")
        return node.inputs if kept == "inputs" else (node.name,) if kept == "output" else ()

    def extra(self, node: Node) -> float:
        """The bytes that a node keeps beside activations."""
        return _EXTRA.get(node.op, 0.0) * self.sizes[node.name]

    def _add(self, size: float) -> None:
        self.live += size
        self.peak = max(self.peak, self.live)

    def forward(self) -> None:
        """Play the forward pass through."""
        left = dict.fromkeys(self.sizes, 0)
        for node in self.graph.nodes:
            for name in node.inputs:
                left[self._memory_of[name]] += 1
        for node in self.graph.nodes:
            if self._memory_of[node.name] == node.name:
                self._add(self.sizes[node.name])
            self._add(self.extra(node))
            for name in node.inputs:
                place = self._memory_of[name]
                left[place] -= 1
                if not left[place] and place not in self.needed_by and place != self._memory_of[node.name]:
                    self.live -= self.sizes[place]

    def backward(self) -> None:
        """Play the backward pass through, up to the gradients of all weights."""
        first = self.graph.nodes[0].name
        gradients = {self.graph.nodes[-1].name}
        self._add(self.sizes[self.graph.nodes[-1].name])
        still = {place: set(nodes) for place, nodes in self.needed_by.items()}
        for node in reversed(self.graph.layers):
            for name in node.inputs:
                if name != first and name not in gradients:
                    gradients.add(name)
                    self._add(self.sizes[name])
            self._add(float(BYTES * node.trained))
            self.live -= self.sizes[node.name] + self.extra(node)
            for name in self._needs(node):
                place = self._memory_of[name]
                if place in still:
                    still[place].discard(node.name)
                    if not still[place]:
                        del still[place]
                        self.live -= self.sizes[place]
