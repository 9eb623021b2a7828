"""Initial weights, drawn from one seeded NumPy source, so that every engine starts from the same bits."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..base.errors import LabError
from .graph import Graph, Node, Parameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.float32]]

Weight = Literal["msra", "xavier"]
Fan = Literal["in", "out", "avg"]
Distribution = Literal["normal", "uniform"]

_KEEP_ZERO = {
    "multiply",
    "dropout",
    "drop_path",
    "avg_pool",
    "global_avg_pool",
    "pad_channels",
    "subsample",
    "split",
    "part",
}
"""Ops whose output is zero where their first input is; `affine` without an offset is another."""


def initial(
    graph: Graph,
    seed: int,
    *,
    weight: Weight = "msra",
    fan: Fan = "in",
    distribution: Distribution = "normal",
    last_scale: Literal["one", "zero"] = "one",
) -> Arrays:
    """Draw the weights that training starts from.

    Each weight has a generator of its own, seeded by `seed` and the weight's name. Two variants that share a layer
    therefore start with the same weights there.

    Args:
        graph: the network.
        seed: the seed, at least 0.
        weight: the variance of drawn weights: 2 / fan for `msra` (He et al. 2015b), 1 / fan for `xavier` (Glorot and
            Bengio 2010, who take the fan `avg`).
        fan: what the fan counts: a layer's inputs, its outputs, or their mean.
        distribution: the distribution of drawn weights.
        last_scale: `zero` starts every residual branch at zero (Goyal et al. 2017); see `branch_ends`.

    Returns:
        Every array of the network by canonical name, float32.

    Raises:
        LabError: `last_scale` is `zero`, and a branch that starts at zero would never learn.
    """
    zero = set(branch_ends(graph)) if last_scale == "zero" else set()
    arrays: Arrays = {}
    for name, parameter in graph.parameters.items():
        if name in zero:
            arrays[name] = np.zeros(parameter.shape, np.float32)
        elif parameter.fan is None:
            arrays[name] = np.full(parameter.shape, parameter.value, np.float32)
        else:
            arrays[name] = _draw(name, parameter, seed, weight, fan, distribution)
    return arrays


def _draw(
    name: str, parameter: Parameter, seed: int, weight: Weight, fan: Fan, distribution: Distribution
) -> NDArray[np.float32]:
    assert parameter.fan is not None
    inputs, outputs = parameter.fan
    size = {"in": inputs, "out": outputs, "avg": (inputs + outputs) / 2}[fan]
    deviation = ((2.0 if weight == "msra" else 1.0) / size) ** 0.5
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    generator = np.random.default_rng([seed, key])
    if distribution == "normal":
        drawn = generator.standard_normal(parameter.shape, dtype=np.float32)
    else:
        drawn = (generator.random(parameter.shape, dtype=np.float32) * 2 - 1) * np.float32(3**0.5)
    return drawn * np.float32(deviation)


def branch_ends(graph: Graph) -> list[str]:
    """Find the parameters that have to be zero for every residual branch to start at zero.

    At each sum of a shortcut and branches, this is the scale of the norm that ends a branch. Where a convolution ends
    the branch, as in pre-activation blocks, it is the convolution's weight: a scale of zero before a ReLU would never
    learn.

    Returns:
        Canonical names of parameters.

    Raises:
        LabError: A branch ends in a layer that has no parameter of this kind.
    """
    nodes = {node.name: node for node in graph.nodes}
    order = {name: index for index, name in enumerate(nodes)}
    for node in graph.nodes:
        if node.op == "opaque":
            raise LabError(f"init.last_scale: zero cannot reach into {node.name}, a framework's own module")
    ends: list[str] = []
    for node, terms in _sums(graph):
        shortcuts = {
            name
            for name in terms
            if "shortcut" in _unscaled(name, nodes).split(".")
            or all(_comes_from(other, _unscaled(name, nodes), nodes, order) for other in terms if other != name)
        }
        if shortcuts:
            for name in terms:
                if name not in shortcuts:
                    ends.extend(_ends(nodes[name], nodes, node))
    return list(dict.fromkeys(ends))


def _sums(graph: Graph) -> list[tuple[Node, list[str]]]:
    """Find each whole sum: its last addition and all its terms; `a + b + c` is one sum of three terms, in two nodes."""
    nodes = {node.name: node for node in graph.nodes}
    readers = Counter(name for node in graph.nodes for name in node.inputs)
    inner = {
        name
        for node in graph.nodes
        if node.op == "add"
        for name in node.inputs
        if nodes[name].op == "add" and readers[name] == 1
    }

    def terms(name: str) -> list[str]:
        return [term for part in nodes[name].inputs for term in (terms(part) if part in inner else [part])]

    return [(node, terms(node.name)) for node in graph.nodes if node.op == "add" and node.name not in inner]


def _unscaled(name: str, nodes: Mapping[str, Node]) -> str:
    """The node that a term was before numbers were multiplied or added: that of x in `y + 0.5 * x`."""
    while nodes[name].op == "affine":
        name = nodes[name].inputs[0]
    return name


def _comes_from(other: str, name: str, nodes: Mapping[str, Node], order: Mapping[str, int]) -> bool:
    """Whether the node `other` was computed from the node `name`."""
    seen, todo = set(), [other]
    while todo:
        current = todo.pop()
        if current == name:
            return True
        if current not in seen and order[current] > order[name]:
            seen.add(current)
            todo.extend(nodes[current].inputs)
    return False


def _ends(node: Node, nodes: Mapping[str, Node], join: Node) -> list[str]:
    """The parameters that make the output of `node` zero; `join` is the sum that takes it, for the message."""
    if "scale" in node.params:
        return [f"{node.name}.scale"]
    if node.op == "conv":
        return [f"{node.name}.weight"]
    if node.op in ("add", "concat"):
        return [end for name in node.inputs for end in _ends(nodes[name], nodes, join)]
    if node.op in _KEEP_ZERO or (node.op == "affine" and not node.attrs["offset"]):
        return _ends(nodes[node.inputs[0]], nodes, join)
    raise LabError(
        f"init.last_scale: zero does not fit this network: the branch that {join.name} adds ends in "
        f"{node.op} ({node.name}), and would not learn if it started at zero"
    )
