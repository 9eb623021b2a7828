"""A Graph as a Gluon HybridBlock, and the model that trains it."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import mxnet as mx
from mxnet import autograd, gluon, nd

from ... import hardware
from ...graph import Graph
from ..contract import Diverged, Optimizer, Score
from ..support import check_weights
from .lowering import forward
from .update import Update

if TYPE_CHECKING:
    from ..contract import Array, Batch

_LAG = 2
"""Steps that may be under way before the loop waits for one: MXNet runs asynchronously."""


class GraphBlock(gluon.HybridBlock):
    """A network as a Gluon block, usable in any Gluon code; parameters carry the graph's names.

    After a training step, `mx.nd.waitall()` comes before anything that reads running statistics
    (`save_parameters` too): MXNet's CPU batch norm writes them in the backward pass, where its
    engine does not know of it.

    Args:
        graph: input (batch, C, H, W), output (batch, classes).
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__(prefix="")
        self.graph = graph
        for name, parameter in graph.parameters.items():
            setattr(
                self,
                name,
                self.params.get(
                    name, shape=parameter.shape, init=mx.init.Zero(), grad_req="write" if parameter.trained else "null"
                ),
            )

    def hybrid_forward(self, F: Any, x: Any, **arrays: Any) -> Any:
        return forward(F, self.graph.nodes, x, arrays)


class MXNetModel:
    """The `Model` contract of `resnet_lab.engines` over a `GraphBlock`, which is `block`."""

    def __init__(self, graph: Graph, device: str) -> None:
        self.graph, self.device = graph, device
        self.context = mx.cpu() if device == "cpu" else mx.gpu(int(device.partition(":")[2]))
        self.block = GraphBlock(graph)
        self.block.initialize(ctx=self.context)
        self.block.hybridize(static_alloc=True, static_shape=True)
        self._parameters = {name: self.block.params[name] for name in graph.parameters}
        self._trained = [name for name, parameter in graph.parameters.items() if parameter.trained]

    def load(self, weights: Mapping[str, Array]) -> None:
        """Take these weights, by canonical name.

        Raises:
            LabError: a name is missing or left over, or a shape differs.
        """
        check_weights(self.graph, weights)
        for name, parameter in self._parameters.items():
            parameter.set_data(nd.array(weights[name], ctx=self.context, dtype="float32"))

    def weights(self) -> dict[str, Array]:
        """Copies of all arrays, float32."""
        self.synchronize()
        return {name: parameter.data().asnumpy() for name, parameter in self._parameters.items()}

    def prepare(self, optimizer: Optimizer) -> None:
        """Begin training with an empty optimizer state."""
        self._update = Update(optimizer, {name: self._parameters[name] for name in self._trained})

    def optimizer_state(self) -> dict[str, Array]:
        """`step`, and each weight's own arrays as `0/NAME`, `1/NAME`."""
        return self._update.state()

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        """Go on from what `optimizer_state` gave."""
        self._update.load(state)

    def train_epoch(
        self,
        batches: Iterable[Batch],
        rates: Sequence[float],
        seed: int,
        on_step: Callable[[int, float], None],
        label_smoothing: float = 0.0,
    ) -> Score:
        """One step a batch; see the contract. Top-5 is not taken in training (nan)."""
        mx.random.seed(seed, self.context)
        under_way: deque[tuple[int, Any, Any]] = deque()
        total, right, count = 0.0, 0.0, 0
        start = time.perf_counter()

        def settle() -> None:
            nonlocal total, right
            images, loss, hits = under_way.popleft()
            value = float(loss.asscalar())
            if not math.isfinite(value):
                raise Diverged(f"the training loss became {value} after {count - images} images of the epoch")
            total += value * images
            right += float(hits.asscalar())
            on_step(images, value)

        for (images, labels), rate in zip(batches, rates, strict=True):
            x, y = (to_device(array, self.context) for array in (images, labels))
            classes = y if labels.ndim == 1 else to_device(labels.argmax(axis=1), self.context)
            with autograd.record():
                logits = self.block(x)
                loss = _cross_entropy(logits, y, label_smoothing)
            loss.backward()
            self._update(rate)
            under_way.append((len(images), loss, (logits.argmax(axis=1) == classes).sum()))
            count += len(images)
            if len(under_way) > _LAG:
                settle()
        while under_way:
            settle()
        self.synchronize()
        return Score(total / count, right / count, math.nan, count, time.perf_counter() - start)

    def predict(self, images: Array) -> Array:
        """Logits, (batch, classes), in inference mode."""
        logits: Array = self.block(to_device(images, self.context)).asnumpy()
        return logits

    def synchronize(self) -> None:
        """Wait for everything under way."""
        nd.waitall()

    def peak_memory(self) -> int:
        """Bytes: the process's largest resident size on the CPU, what is in use now on a GPU (MXNet keeps its pool)."""
        if self.device == "cpu":
            return hardware.peak_resident()
        free, total = mx.context.gpu_memory_info(self.context.device_id)
        return int(total - free)


def to_device(array: Array, context: Any) -> Any:
    """A float32 NDArray of the same values; `nd.array` would copy them twice."""
    made = nd.empty(array.shape, ctx=context)
    made[:] = array
    return made


def _cross_entropy(logits: Any, labels: Any, smoothing: float) -> Any:
    """Mean cross-entropy with classes or shares of them; `smoothing` spreads that share of each label over all."""
    logs = nd.log_softmax(logits)
    losses = -nd.pick(logs, labels) if labels.ndim == 1 else -(logs * labels).sum(axis=1)
    if smoothing:
        losses = (1 - smoothing) * losses - smoothing * logs.mean(axis=1)
    return losses.mean()
