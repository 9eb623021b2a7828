"""A Graph as a Gluon HybridBlock, and the model that trains it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd

from ...base import hardware
from ...base.errors import LabError
from ...blocks import opaque
from ...network.graph import Graph, Node
from ...specs.optimizers import Optimizer
from ..devices import check_weights
from . import lowering
from .float16 import LOSS_SCALE, dtype_of
from .float16 import forward as float16_forward
from .update import Update, Weight

if TYPE_CHECKING:
    from ...data.pipeline.feed import Batch
    from ..contract import Array


class _Part(NamedTuple):
    """The results of one device for its part of a batch; the numbers may still be computed."""

    loss: Any
    right: Any
    share: float


class _Started:
    """A step on all devices; see `StartedStep` of the contract."""

    def __init__(self, parts: list[_Part]) -> None:
        self._parts = parts

    def is_done(self) -> bool:
        """Never known: MXNet cannot say whether an array is computed without waiting for it."""
        return False

    def wait(self) -> tuple[float, float]:
        """The loss over all parts, and the images that were classified right."""
        loss = sum(part.share * float(part.loss.asscalar()) for part in self._parts)
        return loss, sum(float(part.right.asscalar()) for part in self._parts)


class GraphBlock(gluon.HybridBlock):
    """A network as a Gluon block, usable in any Gluon code; parameters carry the graph's names.

    After a training step, `mx.nd.waitall()` comes before anything that reads running statistics
    (`save_parameters` too): MXNet's CPU batch norm writes them in the backward pass, where its
    engine does not know of it.

    Args:
        graph: input (batch, C, H, W), output (batch, classes).
        float16: compute in it, see float16.py; input and output are float32 all the same.
    """

    def __init__(self, graph: Graph, float16: bool = False) -> None:
        super().__init__(prefix="")
        self.graph = graph
        self._lower = float16_forward if float16 else lowering.forward
        self.own: dict[str, Any] = {}
        """Every parameter by its canonical name, those of blocks that are Gluon's own among them."""
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
        """A block that is a HybridBlock itself, as a child."""
        module = self._modules[node.name] = opaque.of(node)
        self.register_child(module, node.name)
        arrays = module._collect_params_with_prefix()
        for key, parameter in node.params.items():
            arrays[key].shape = parameter.shape  # Gluon may have left it open
            if not parameter.trained:
                arrays[key].grad_req = "null"
            self.own[f"{node.name}.{key}"] = arrays[key]

    def hybrid_forward(self, F: Any, x: Any, **arrays: Any) -> Any:
        return self._lower(F, self.graph.nodes, x, arrays, self._modules)


class MXNetModel:
    """The `Model` contract of `resnet_lab.engines` over a `GraphBlock`, which is `block`.

    On several devices each takes a part of every batch; Gluon's kvstore sums their gradients, and
    each applies the same updates to weights of its own. Batch norm goes by a device's part, and so
    do running statistics: where an epoch ends, each device takes the mean of all, as Gluon does
    when it saves.
    """

    most_started = 2
    """MXNet runs asynchronously: with two steps started, the device has the next one when it finishes the last."""

    def __init__(self, graph: Graph, device: str, precision: str = "float32", *, hybridize: bool = True) -> None:
        self.graph, self.device = graph, device
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
        """Take these weights, by canonical name.

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
        """Begin training with an empty optimizer state; see the contract."""
        self._updates = [
            Update(optimizer, {name: own[name] for name in self._trained}, self._scale, clip_norm, ema)
            for own in self._weights
        ]
        self._kvstore: gluon.Trainer | None = None
        if len(self.contexts) > 1:  # for the sum of gradients alone: the updates are ours
            trained = [self.block.own[name] for name in self._trained]
            self._kvstore = gluon.Trainer(trained, "sgd", kvstore="device", update_on_kvstore=False)

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside the context every device has the moving average of the weights, if there is one."""
        self.synchronize()
        with contextlib.ExitStack() as stack:
            for update in self._updates:
                stack.enter_context(update.averaged())
            yield

    def optimizer_state(self) -> dict[str, Array]:
        """The state of the first device's updates (update.py); the other devices have the same."""
        return self._updates[0].state()

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        """Go on from what `optimizer_state` gave."""
        for update in self._updates:
            update.load(state)

    def begin_epoch(self, seed: int) -> None:
        """Seed the draws of dropout, each device with a seed of its own."""
        for index, context in enumerate(self.contexts):
            mx.random.seed(seed + index, context)

    def on_device(self, batches: Iterable[Batch]) -> Iterable[tuple[Any, Any]]:
        """The batches as they are: `train_step` copies each part to its device."""
        return batches

    def train_step(self, images: Array, labels: Array, rate: float, label_smoothing: float = 0.0) -> _Started:
        """Start one step; MXNet runs it while Python goes on."""
        parts = self._gradients(images, labels, label_smoothing)
        for update in self._updates:
            update(rate)
        return _Started(parts)

    def end_epoch(self) -> None:
        """Wait for every device, and give each the mean of all devices' running statistics."""
        self.synchronize()
        self._share_statistics()

    def _gradients(self, images: Array, labels: Array, smoothing: float) -> list[_Part]:
        """The forward and the backward pass over one batch, a part of it on each device."""
        if len(images) < len(self.contexts):
            raise LabError(f"a batch of {len(images)} cannot be split over {len(self.contexts)} devices")
        xs, ys = self._split(images), self._split(labels)
        with autograd.record():
            logits = [self.block(x) for x in xs]
            losses = [_cross_entropy(own, y, smoothing) for own, y in zip(logits, ys, strict=True)]
        shares = [len(y) / len(labels) for y in ys]
        heads = [share * self._scale for share in shares]
        if heads == [1.0]:
            losses[0].backward()
        else:
            autograd.backward(losses, [nd.full(1, head, x.context) for head, x in zip(heads, xs, strict=True)])
        if self._kvstore is not None:
            self._kvstore.allreduce_grads()
        hits = [(own.argmax(axis=1) == _classes(y)).sum() for own, y in zip(logits, ys, strict=True)]
        return [_Part(*part) for part in zip(losses, hits, shares, strict=True)]

    def _split(self, array: Array) -> list[Any]:
        """A part of a batch on each device; none on those that are too many for it."""
        parts = zip(self.contexts, np.array_split(array, len(self.contexts)), strict=True)
        return [to_device(part, context) for context, part in parts if len(part)]

    def _share_statistics(self) -> None:
        """Give each device the mean of all devices' running statistics."""
        if len(self.contexts) > 1:
            for name, parameter in self.block.own.items():
                if name.rpartition(".")[2].startswith("running_"):
                    # In float64, where the mean of equal numbers is that number: frozen norms keep every bit.
                    parts = [array.asnumpy().astype(np.float64) for array in parameter.list_data()]
                    parameter.set_data(nd.array(np.mean(parts, axis=0), dtype="float32"))

    def predict(self, images: Array) -> Array:
        """Logits, (batch, classes), in inference mode."""
        parts = [self.block(x) for x in self._split(images)]
        return np.concatenate([part.asnumpy() for part in parts])

    def synchronize(self) -> None:
        """Wait for everything under way."""
        nd.waitall()

    def peak_memory(self) -> int:
        """Bytes: the process's largest resident size on the CPU, what is in use now on a GPU (MXNet keeps its pool).

        Of several GPUs that one's which holds the most.
        """
        if self.contexts[0].device_type == "cpu":
            return hardware.peak_resident()
        told = [mx.context.gpu_memory_info(context.device_id) for context in self.contexts]
        return max(int(total - free) for free, total in told)


def _weight(parameter: Any, context: Any) -> Weight:
    value = parameter.data(context)
    gradient = None if parameter.grad_req == "null" else parameter.grad(context)
    return Weight(value, gradient, value.astype("float32") if value.dtype == np.float16 else None)


def _classes(labels: Any) -> Any:
    """The class of each image, or the one that has the largest share of it."""
    return labels if labels.ndim == 1 else labels.argmax(axis=1)


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
