"""A graph as a Gluon HybridBlock."""

from __future__ import annotations

from typing import Any

import mxnet as mx
from mxnet import gluon

from ...blocks import opaque
from ...network.graph import Graph, Node
from . import lowering
from .float16 import dtype_of
from .float16 import forward as float16_forward


class GraphBlock(gluon.HybridBlock):
    """A network as a Gluon block for any Gluon code; the parameters have the names of the graph.

    After a training step, call `mx.nd.waitall()` before you read running statistics, for instance with
    `save_parameters`: on the CPU, MXNet's batch norm writes them in the backward pass without registering this write
    with MXNet's scheduler, so that a reader does not wait for it.

    Args:
        graph: the network; its input is (batch, C, H, W), its output (batch, classes).
        float16: whether to compute in float16 (float16.py); input and output are float32 in any case.
    """

    def __init__(self, graph: Graph, float16: bool = False) -> None:
        super().__init__(prefix="")
        self.graph = graph
        self._lower = float16_forward if float16 else lowering.forward
        self.own: dict[str, Any] = {}
        """All parameters by canonical name, including those of registered Gluon blocks."""
        self._modules: dict[str, Any] = {}
        for node in graph.nodes:
            if node.op == opaque.OP:
                self._add_module(node)
                continue
            for key, parameter in node.params.items():
                name = f"{node.name}.{key}"
                own = self.params.get(
                    name,
                    shape=parameter.shape,
                    dtype=dtype_of(node, float16),
                    init=mx.init.Zero(),
                    grad_req="write" if parameter.trained else "null",
                )
                setattr(self, name, own)
                self.own[name] = own

    def _add_module(self, node: Node) -> None:
        """Add a registered Gluon block as a child, and its parameters under the names of the graph."""
        module = self._modules[node.name] = opaque.of(node)
        self.register_child(module, node.name)
        arrays = module._collect_params_with_prefix()
        for key, parameter in node.params.items():
            arrays[key].shape = parameter.shape  # Gluon may not have inferred it yet
            if not parameter.trained:
                arrays[key].grad_req = "null"
            self.own[f"{node.name}.{key}"] = arrays[key]

    def hybrid_forward(self, F: Any, x: Any, **arrays: Any) -> Any:
        """Compute logits (batch, classes) of images (batch, C, H, W); Gluon calls this with `nd` or `sym` as F."""
        return self._lower(F, self.graph.nodes, x, arrays, self._modules)
