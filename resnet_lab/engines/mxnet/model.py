"""The model that trains a graph as a Gluon HybridBlock (block.py)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd

from ...base import hardware
from ...base.errors import LabError
from ...network.graph import Graph
from ...specs.optimizers import Optimizer
from ..answers import one_after_another
from ..contract import STEP_PARTS, Fallback, Rank
from ..devices import check_weights
from .block import GraphBlock
from .float16 import LOSS_SCALE
from .group import Group
from .update import Update, Weight

if TYPE_CHECKING:
    from ...data.pipeline.feed import Batch
    from ..contract import Array


class _Part(NamedTuple):
    """The results of one device for its part of a batch, which the device may still be computing.

    Attributes:
        loss: the mean loss over the part; an NDArray of one element.
        right: the number of correctly classified images; an NDArray of one element.
        share: the size of the part as a share of the batch.
    """

    loss: Any
    right: Any
    share: float


class _Forward(NamedTuple):
    """A forward pass: for each device the labels of its part, and the logits and the loss, which it may still compute.

    Attributes:
        labels: NDArrays of classes (batch,), or of shares of classes (batch, classes).
        logits: NDArrays (batch, classes).
        losses: NDArrays of one element.
    """

    labels: list[Any]
    logits: list[Any]
    losses: list[Any]


class _Started:
    """A started step on all devices; engines/contract.py describes the methods."""

    def __init__(self, parts: list[_Part], images: int) -> None:
        self._parts, self._images = parts, images

    def is_done(self) -> bool:
        """Always False: MXNet cannot tell whether an array is computed without waiting for it."""
        return False

    def wait(self) -> tuple[float, float, int]:
        """Wait for all devices; returns the batch's mean loss, its correctly classified images, and all its images."""
        loss = sum(part.share * float(part.loss.asscalar()) for part in self._parts)
        return loss, sum(float(part.right.asscalar()) for part in self._parts), self._images


class MXNetModel:
    """A model whose `block` is a GraphBlock; engines/contract.py describes the methods.

    With several devices, each computes a part of every batch. Gluon's kvstore adds up their gradients, and each device
    applies the same updates to its own copy of the weights. Batch norm uses the statistics of the part, not of the
    whole batch. At the end of an epoch each device gets the mean of all devices' running statistics, which is also
    what Gluon saves. Several processes that train the model together do the same with their parts (group.py).

    Args:
        graph: the network.
        device: `cpu`, `gpu:N` or `gpu:N,M`.
        precision: `float32` or `float16`.
        hybridize: whether to run a static graph, and not operation after operation.
        rank: the place of this process among those that train the model together; None if it is the only one.
    """

    most_started = 2
    """MXNet runs asynchronously: while the device computes one step, a second one is ready for it."""

    fallback: Fallback | None = None
    """A model always runs in its compile mode."""

    def __init__(
        self, graph: Graph, device: str, precision: str = "float32", *, hybridize: bool = True, rank: Rank | None = None
    ) -> None:
        self.graph, self.device = graph, device
        self._rank, self._group = rank, None if rank is None else Group(rank)
        kind, _, numbers = device.partition(":")
        self.contexts = [mx.Context(kind, int(number)) for number in (numbers or "0").split(",")]
        float16 = precision == "float16"
        self._scale = LOSS_SCALE if float16 else 1.0
        self.block = self.network = GraphBlock(graph, float16)
        self.block.initialize(ctx=self.contexts)
        if hybridize:
            self.block.hybridize(static_alloc=True, static_shape=True)
        self._trained = [name for name, parameter in graph.parameters.items() if parameter.trained]
        self._weights = [
            {name: _weight(self.block.own[name], context) for name in graph.parameters} for context in self.contexts
        ]

    def load(self, weights: Mapping[str, Array]) -> None:
        """Set all arrays by canonical name.

        Raises:
            LabError: a name is missing or left over, or a shape differs.
        """
        check_weights(self.graph, weights)
        for context, own in zip(self.contexts, self._weights, strict=True):
            for name, weight in own.items():
                weight.set(nd.array(weights[name], ctx=context, dtype="float32"))

    def weights(self) -> dict[str, Array]:
        """Copies of all arrays, float32."""
        self.synchronize()
        return {name: weight.exact.asnumpy() for name, weight in self._weights[0].items()}

    def prepare(self, optimizer: Optimizer, clip_norm: float | None = None, ema: float | None = None) -> None:
        """Begin training with an empty optimizer state; engines/contract.py describes the arguments."""
        self._updates = [
            Update(optimizer, {name: own[name] for name in self._trained}, self._scale, clip_norm, ema)
            for own in self._weights
        ]
        self._kvstore: gluon.Trainer | None = None
        if len(self.contexts) > 1:  # Only to add up gradients: update.py updates the weights.
            trained = [self.block.own[name] for name in self._trained]
            self._kvstore = gluon.Trainer(trained, "sgd", kvstore="device", update_on_kvstore=False)

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside the context, the weights of each device have the values of their moving average, if there is one."""
        self.synchronize()
        with contextlib.ExitStack() as stack:
            for update in self._updates:
                stack.enter_context(update.averaged())
            yield

    def optimizer_state(self) -> dict[str, Array]:
        """The state of the first device (update.py); that of all other devices is equal."""
        return self._updates[0].state()

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        """Restore a state that `optimizer_state` returned, on every device."""
        for update in self._updates:
            update.load(state)

    def begin_epoch(self, seed: int) -> None:
        """Seed the random numbers of dropout; each device and each process has its own seed."""
        first = seed if self._rank is None else seed + self._rank.number
        for index, context in enumerate(self.contexts):
            mx.random.seed(first + index, context)

    def on_device(self, batches: Iterable[Batch]) -> Iterable[tuple[Any, Any]]:
        """Return the batches unchanged: `train_step` copies each part to its device."""
        return batches

    def train_step(self, images: Array, labels: Array, rate: float, label_smoothing: float = 0.0) -> _Started:
        """Start one training step, which MXNet runs while Python continues."""
        parts = self._gradients(images, labels, label_smoothing)
        for update in self._updates:
            update(rate)
        return _Started(parts, len(labels))

    def step_parts(self, images: Array, labels: Array, rate: float) -> dict[str, float]:
        """Take one training step, and wait for every device after each part; returns the seconds of each part."""
        marks = [self._now()]
        forward = self._forward(images, labels, 0.0)
        marks.append(self._now())
        self._backward(forward, len(labels))
        marks.append(self._now())
        for update in self._updates:
            update(rate)
        marks.append(self._now())
        return {part: after - before for part, (before, after) in zip(STEP_PARTS, pairwise(marks), strict=True)}

    def _now(self) -> float:
        """The time when every device has finished, in seconds."""
        self.synchronize()
        return time.perf_counter()

    def end_epoch(self) -> None:
        """Wait for every device, and give each the mean of all running statistics, also those of other processes."""
        self.synchronize()
        self._share_statistics()

    def _gradients(self, images: Array, labels: Array, smoothing: float) -> list[_Part]:
        """Run the forward and the backward pass over one batch, of which each device computes a part.

        Raises:
            LabError: the batch has fewer images than there are devices.
        """
        whole = len(labels)
        if self._rank is not None:
            part = self._rank.part(whole)
            images, labels = images[part], labels[part]
        if len(images) < len(self.contexts):
            raise LabError(f"a batch of {len(images)} cannot be split over {len(self.contexts)} devices")
        forward = self._forward(images, labels, smoothing)
        shares = self._backward(forward, whole)
        logits, ys, losses = forward.logits, forward.labels, forward.losses
        if self._kvstore is not None:
            self._kvstore.allreduce_grads()
        hits = [(own.argmax(axis=1) == _classes(y)).sum() for own, y in zip(logits, ys, strict=True)]
        if self._group is not None:
            gradients = {name: self._weights[0][name].gradient for name in self._trained}
            return [_Part(*self._group.combine(gradients, losses[0] * shares[0], hits[0]), 1.0)]
        return [_Part(*part) for part in zip(losses, hits, shares, strict=True)]

    def _forward(self, images: Array, labels: Array, smoothing: float) -> _Forward:
        """Start the forward pass over a batch, of which each device computes a part."""
        xs, ys = self._split(images), self._split(labels)
        with autograd.record():
            logits = [self.block(x) for x in xs]
            losses = [_cross_entropy(own, y, smoothing) for own, y in zip(logits, ys, strict=True)]
        return _Forward(ys, logits, losses)

    def _backward(self, forward: _Forward, whole: int) -> list[float]:
        """Start the backward pass; returns the share of each device's part in a batch of `whole` images."""
        shares = [len(y) / whole for y in forward.labels]
        heads = [share * self._scale for share in shares]
        if heads == [1.0]:
            forward.losses[0].backward()
        else:
            contexts = [y.context for y in forward.labels]
            autograd.backward(forward.losses, [nd.full(1, *pair) for pair in zip(heads, contexts, strict=True)])
        return shares

    def _split(self, array: Array) -> list[Any]:
        """Copy a part of a batch to each device; if there are fewer rows than devices, the last devices get none."""
        parts = zip(self.contexts, np.array_split(array, len(self.contexts)), strict=True)
        return [to_device(part, context) for context, part in parts if len(part)]

    def _share_statistics(self) -> None:
        """Give each device the mean of the running statistics of all devices, also of those of other processes.

        Frozen norms are left out: rounding would change the mean of three equal numbers.
        """
        if len(self.contexts) == 1 and self._group is None:
            return
        frozen = {node.name for node in self.graph.nodes if node.attrs.get("frozen")}
        statistics = {
            name: own
            for name, own in self.block.own.items()
            if name.rpartition(".")[2].startswith("running_") and name.rpartition(".")[0] not in frozen
        }
        means: dict[str, Array] = {
            name: np.asarray(np.mean([array.asnumpy() for array in own.list_data()], axis=0, dtype=np.float64))
            for name, own in statistics.items()
        }
        if self._group is not None:
            means = self._group.average(means)
        for name, own in statistics.items():
            own.set_data(nd.array(means[name], dtype="float32"))

    def predict(self, images: Array) -> Array:
        """Compute logits (batch, classes) of images (batch, C, H, W) in inference mode."""
        parts = [self.block(x) for x in self._split(images)]
        return np.concatenate([part.asnumpy() for part in parts])

    def answers(self, batches: Iterable[Batch]) -> Iterator[tuple[Array, Array]]:
        """Compute the logits of batches in inference mode, one batch after another."""
        return one_after_another(self.predict, batches)

    def synchronize(self) -> None:
        """Wait until all devices have finished their work."""
        nd.waitall()

    def peak_memory(self) -> int:
        """The memory use in bytes.

        On the CPU this is the largest resident size of the process so far. On GPUs it is the memory in use now, which
        is the peak too because MXNet does not return memory to the driver; the largest value of several GPUs counts.
        """
        if self.contexts[0].device_type == "cpu":
            return hardware.peak_resident()
        memory = [mx.context.gpu_memory_info(context.device_id) for context in self.contexts]
        return max(int(total - free) for free, total in memory)


def _weight(parameter: Any, context: Any) -> Weight:
    """The array of a parameter on one device, with a float32 master copy if the parameter is float16."""
    value = parameter.data(context)
    gradient = None if parameter.grad_req == "null" else parameter.grad(context)
    return Weight(value, gradient, value.astype("float32") if value.dtype == np.float16 else None)


def _classes(labels: Any) -> Any:
    """The class of each image: the label itself, or the class with the largest share in it."""
    return labels if labels.ndim == 1 else labels.argmax(axis=1)


def to_device(array: Array, context: Any) -> Any:
    """Copy an array to a device as float32; `nd.array` would copy it twice."""
    made = nd.empty(array.shape, ctx=context)
    made[:] = array
    return made


def _cross_entropy(logits: Any, labels: Any, smoothing: float) -> Any:
    """The mean cross-entropy of a batch.

    Args:
        logits: (batch, classes).
        labels: classes (batch,), or shares of classes (batch, classes).
        smoothing: the share of each label that is spread evenly over all classes.
    """
    logs = nd.log_softmax(logits)
    losses = -nd.pick(logs, labels) if labels.ndim == 1 else -(logs * labels).sum(axis=1)
    if smoothing:
        losses = (1 - smoothing) * losses - smoothing * logs.mean(axis=1)
    return losses.mean()
