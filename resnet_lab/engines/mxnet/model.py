"""A Graph as a Gluon HybridBlock, and the model that trains it."""

from __future__ import annotations

import math
import resource
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd

from ...graph import Graph
from ..contract import Diverged, Optimizer, Score
from ..support import check_weights
from .lowering import forward

if TYPE_CHECKING:
    from ..contract import Array, Batch

_LAG = 2
"""Steps that may be under way before the loop waits for one: MXNet runs asynchronously."""


class GraphBlock(gluon.HybridBlock):
    """A network as a Gluon block, usable in any Gluon code; parameters carry the graph's names.

    Args:
        graph: input (batch, C, H, W), output (batch, classes).
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__(prefix="")
        self.graph = graph
        for name, parameter in graph.parameters.items():
            setattr(self, name, self.params.get(name, shape=parameter.shape, init=mx.init.Zero(),
                                                grad_req="write" if parameter.trained else "null"))

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
        return {name: parameter.data().asnumpy() for name, parameter in self._parameters.items()}

    def prepare(self, optimizer: Optimizer, step: int = 0) -> None:
        """Begin training; `step` counts the updates that were made before."""
        self._optimizer = _optimizer(optimizer, step)
        self._optimizer.set_wd_mult({index: 1.0 if optimizer.decay == "all" or name.endswith(".weight") else 0.0
                                     for index, name in enumerate(self._trained)})
        self._updater = mx.optimizer.get_updater(self._optimizer)
        self._rule = optimizer

    def optimizer_state(self) -> dict[str, Array]:
        """`step`, and each weight's own arrays as `0/NAME`, `1/NAME`."""
        state: dict[str, Array] = {"step": np.array([self._optimizer.num_update], np.int64)}
        for index, value in self._updater.states.items():
            for number, array in enumerate(value if isinstance(value, tuple) else (value,)):
                if array is not None:
                    state[f"{number}/{self._trained[index]}"] = array.asnumpy()
        return state

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        """Go on from what `optimizer_state` gave."""
        self.prepare(self._rule, int(state["step"][0]))
        for index, name in enumerate(self._trained):
            arrays = tuple(nd.array(state[f"{number}/{name}"], ctx=self.context, dtype="float32")
                           for number in range(2) if f"{number}/{name}" in state)
            if arrays:
                self._updater.states[index] = arrays if len(arrays) > 1 else arrays[0]
                self._updater.states_synced[index] = True

    def train_epoch(self, batches: Iterable[Batch], rates: Sequence[float], seed: int,
                    on_step: Callable[[int, float], None], label_smoothing: float = 0.0) -> Score:
        """One step a batch; see the contract. Top-5 is not taken in training (nan)."""
        mx.random.seed(seed, self.context)
        indices = list(range(len(self._trained)))
        values = [self._parameters[name].data() for name in self._trained]
        gradients = [self._parameters[name].grad() for name in self._trained]
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
            x, y = nd.array(images, ctx=self.context), nd.array(labels, ctx=self.context)
            with autograd.record():
                logits = self.block(x)
                loss = _cross_entropy(logits, y, label_smoothing)
            loss.backward()
            self._optimizer.set_learning_rate(rate)
            self._updater(indices, gradients, values)
            under_way.append((len(images), loss, (logits.argmax(axis=1) == y).sum()))
            count += len(images)
            if len(under_way) > _LAG:
                settle()
        while under_way:
            settle()
        return Score(total / count, right / count, math.nan, count, time.perf_counter() - start)

    def predict(self, images: Array) -> Array:
        """Logits, (batch, classes), in inference mode."""
        logits: Array = self.block(nd.array(images, ctx=self.context)).asnumpy()
        return logits

    def synchronize(self) -> None:
        """Wait for everything under way."""
        nd.waitall()

    def peak_memory(self) -> int:
        """Bytes: the process's largest resident size on the CPU, what is in use now on a GPU (MXNet keeps its pool)."""
        if self.device == "cpu":
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        free, total = mx.context.gpu_memory_info(self.context.device_id)
        return int(total - free)


def _optimizer(rule: Optimizer, step: int) -> Any:
    common = {"wd": rule.weight_decay, "begin_num_update": step}
    if rule.name == "adam":
        return mx.optimizer.Adam(beta1=rule.beta1, beta2=rule.beta2, epsilon=rule.epsilon, **common)
    kind = mx.optimizer.NAG if rule.nesterov else mx.optimizer.SGD
    return kind(momentum=rule.momentum, **common)


def _cross_entropy(logits: Any, labels: Any, smoothing: float) -> Any:
    """Mean cross-entropy; `smoothing` spreads that share of each label over all classes."""
    logs = nd.log_softmax(logits)
    losses = -nd.pick(logs, labels)
    if smoothing:
        losses = (1 - smoothing) * losses - smoothing * logs.mean(axis=1)
    return losses.mean()
