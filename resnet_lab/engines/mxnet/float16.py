"""Training with mixed precision (Micikevicius et al. 2018): float16 where it is fast, float32 where it must be exact.

- float16: activations, and the weights of convolutions and dense layers. Each of these weights has a float32 master
  copy, which the updates change (update.py).
- float32: the parameters and the running statistics of norms, all other parameters, the logits and the loss.

The loss is multiplied by LOSS_SCALE before the backward pass, because small gradients would become zero in float16;
the updates divide the gradients by the same number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...network.graph import Node
from ..contract import FIRST_LOSS_SCALE
from .lowering import LOWERINGS

LOSS_SCALE = FIRST_LOSS_SCALE
"""It is constant, because to adapt it means to wait for each step."""

_FLOAT16_OPS = ("conv", "dense")
"""The ops whose parameters are float16."""


def dtype_of(node: Node, float16: bool) -> str:
    """The type of a node's parameters, in a network that computes in float16 or in float32."""
    return "float16" if float16 and node.op in _FLOAT16_OPS else "float32"


def forward(F: Any, nodes: Sequence[Node], x: Any, arrays: Mapping[str, Any], modules: Mapping[str, Any]) -> Any:
    """Run the nodes of a graph in float16; the arguments are those of `lowering.forward`.

    Returns:
        The output of the last node, float32.
    """
    assert not modules  # opaque.check_engine refuses float16 for networks with Gluon's own blocks
    values = {nodes[0].name: F.cast(x, dtype="float16")}
    for node in nodes[1:]:
        params = {key: arrays[f"{node.name}.{key}"] for key in node.params}
        values[node.name] = _lower(F, node, [values[name] for name in node.inputs], params)
    return F.cast(values[nodes[-1].name], dtype="float32")


def _lower(F: Any, node: Node, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    """The float16 output of a node for float16 inputs; its parameters have the types of `dtype_of`."""
    if node.op == "global_avg_pool":  # float16 is for GPUs, where this kernel is fast; it sums in float32
        return F.Pooling(inputs[0], pool_type="avg", global_pool=True, kernel=(1, 1))
    lowering = LOWERINGS[node.op]
    if node.op == "channel_max" or (node.op == "norm" and node.attrs["kind"] != "batch"):
        # MXNet's batch norm accepts float16 images with float32 parameters. The other norms sum in their input's type.
        # The maximum over channels finds the number of a channel, which float16 holds up to 2048 only.
        return F.cast(lowering(F, node, [F.cast(x, dtype="float32") for x in inputs], params), dtype="float16")
    if node.op not in _FLOAT16_OPS and node.op != "norm":
        params = {key: F.cast(array, dtype="float16") for key, array in params.items()}
    return lowering(F, node, inputs, params)
