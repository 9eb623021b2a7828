"""Folding batch norms into the convolutions before them, for inference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...network.graph import Graph, Node, Parameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.float32]]


def fold(graph: Graph, arrays: Mapping[str, NDArray[np.float32]]) -> tuple[Graph, Arrays]:
    """Fold each batch norm into the weight and the bias of the convolution before it; inference gives the same logits.

    A norm is folded if its convolution has no other reader. The sums are computed in float64.

    Args:
        graph: The network.
        arrays: Its arrays by canonical name.

    Returns:
        The network without the folded norms, and its arrays.
    """
    readers = Counter(name for node in graph.nodes for name in node.inputs)
    nodes = {node.name: node for node in graph.nodes}
    folded = {
        node.inputs[0]: node
        for node in graph.nodes
        if node.op == "norm"
        and node.attrs["kind"] == "batch"
        and nodes[node.inputs[0]].op == "conv"
        and readers[node.inputs[0]] == 1
    }
    gone = {norm.name: conv for conv, norm in folded.items()}
    kept: list[Node] = []
    out: Arrays = {}
    for node in graph.nodes:
        if node.name in gone:
            continue
        own = {key: arrays[f"{node.name}.{key}"] for key in node.params}
        if node.name in folded:
            own = _folded(own, folded[node.name], arrays)
            bias = Parameter(node.output[:1])
            node = replace(node, attrs={**node.attrs, "bias": True}, params={**node.params, "bias": bias})
        kept.append(replace(node, inputs=tuple(gone.get(name, name) for name in node.inputs)))
        out |= {f"{node.name}.{key}": array for key, array in own.items()}
    return Graph(tuple(kept)), out


def _folded(conv: Arrays, norm: Node, arrays: Mapping[str, NDArray[np.float32]]) -> Arrays:
    """The weight and the bias of a convolution with its norm folded in."""

    def of_norm(key: str, default: float) -> NDArray[np.float64]:
        name = f"{norm.name}.{key}"
        return arrays[name].astype(np.float64) if name in arrays else np.full(norm.output[0], default)

    factor = of_norm("scale", 1) / np.sqrt(of_norm("running_var", 1) + norm.attrs["epsilon"])
    before = conv["bias"].astype(np.float64) if "bias" in conv else np.zeros(norm.output[0])
    bias = (before - of_norm("running_mean", 0)) * factor + of_norm("bias", 0)
    weight = conv["weight"].astype(np.float64) * factor.reshape(-1, 1, 1, 1)
    return {"weight": weight.astype(np.float32), "bias": bias.astype(np.float32)}
