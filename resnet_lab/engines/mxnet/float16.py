"""float16 with multi-precision: what is kept and computed in it, and what stays in float32.

The weights of convolutions and dense layers are float16, each with a float32 master copy that the
updates change (update.py); activations are float16. Norms, their statistics, layer_scale's factors,
logits and the loss are float32. The loss is scaled before the backward pass, so that small gradients
do not vanish in float16, and the updates divide by the scale again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...network.graph import Node
from .lowering import LOWERINGS

LOSS_SCALE = 1024.0
"""A power of two, so that it costs no bits; constant, since to adapt it would mean to wait for each step."""

_KEPT = ("conv", "dense")


def dtype_of(node: Node, float16: bool) -> str:
    """The type in which the parameters of a node are kept, in a network that computes in float16 or not."""
    return "float16" if float16 and node.op in _KEPT else "float32"


def forward(F: Any, nodes: Sequence[Node], x: Any, arrays: Mapping[str, Any], modules: Mapping[str, Any]) -> Any:
    """As `lowering.forward`, in float16, but without Gluon's own blocks; float32 images in, float32 logits out."""
    assert not modules  # opaque.check_engine
    values = {nodes[0].name: F.cast(x, dtype="float16")}
    for node in nodes[1:]:
        params = {key: arrays[f"{node.name}.{key}"] for key in node.params}
        values[node.name] = _lower(F, node, [values[name] for name in node.inputs], params)
    return F.cast(values[nodes[-1].name], dtype="float32")


def _lower(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    lowering = LOWERINGS[node.op]
    if node.op == "norm" and node.attrs["kind"] != "batch":
        # Batch norm takes float16 with float32 parameters as it is; the others sum up in what they are given.
        return F.cast(lowering(F, node, [F.cast(x, dtype="float32") for x in inputs], params), dtype="float16")
    if node.op not in _KEPT and node.op != "norm":
        params = {key: F.cast(array, dtype="float16") for key, array in params.items()}
    return lowering(F, node, inputs, params)
