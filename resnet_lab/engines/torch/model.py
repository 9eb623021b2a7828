"""A Graph as a torch.nn.Module, and the model that trains it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from ...base import hardware
from ...data.pipeline.feed import Epoch
from ...network.graph import Graph
from ...specs.optimizers import Optimizer
from ..devices import check_weights
from .compiling import WITH_CUDA_GRAPHS
from .feed import resident_batches
from .lowering import lower, own_name
from .update import Update

if TYPE_CHECKING:
    from ...data.pipeline.feed import Batch
    from ..contract import Array


class TorchModel:
    """The `Model` contract over `block`, a torch.fx.GraphModule; memory is laid out channels last.

    `network` is `block`, or what torch.compile made of it, with the same weights.
    """

    most_started = math.inf
    """A GPU's queue may be as long as an epoch; losses are collected as the GPU finishes steps."""

    def __init__(self, graph: Graph, device: str, precision: str = "float32", way: str = "off") -> None:
        self.graph, self.device = graph, device
        self._device = torch.device(device.replace("gpu", "cuda"))
        self._gpu = self._device.type == "cuda"
        self._autocast = torch.bfloat16 if precision == "bfloat16" else None
        self.block: torch.fx.GraphModule = lower(graph).to(self._device, memory_format=torch.channels_last)
        self.network: Callable[[torch.Tensor], torch.Tensor] = (
            self.block if way == "off" else _compiled(self.block, way)
        )
        self._cuda_graphs = self._gpu and way in WITH_CUDA_GRAPHS
        if self._gpu:
            torch.backends.cudnn.benchmark = True
        own = dict(self.block.named_parameters()) | dict(self.block.named_buffers())
        self._arrays = {f"{node.name}.{key}": own[own_name(node, key)] for node in graph.nodes for key in node.params}
        self._trained = {name: self._arrays[name] for name, parameter in graph.parameters.items() if parameter.trained}
        for name in self._arrays.keys() - self._trained.keys():
            self._arrays[name].requires_grad_(False)
        self._statistics = _Statistics(graph, self._arrays)

    def load(self, weights: Mapping[str, Array]) -> None:
        """Take these weights, by canonical name.

        Raises:
            LabError: a name is missing or left over, or a shape differs.
        """
        check_weights(self.graph, weights)
        with torch.no_grad():
            for name, own in self._arrays.items():
                own.copy_(torch.from_numpy(weights[name]))

    def weights(self) -> dict[str, Array]:
        """Copies of all arrays, float32."""
        return {name: own.detach().cpu().contiguous().numpy().copy() for name, own in self._arrays.items()}

    def prepare(self, optimizer: Optimizer, clip_norm: float | None = None, ema: float | None = None) -> None:
        """Begin training with an empty optimizer state; see the contract."""
        self._update = Update(optimizer, self._trained, clip_norm, ema)

    def averaged(self) -> AbstractContextManager[None]:
        """Inside the context the model has the moving average of its weights, if there is one."""
        return self._update.averaged()

    def optimizer_state(self) -> dict[str, Array]:
        """The optimizer's arrays by name."""
        return self._update.state()

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        """Go on from what `optimizer_state` gave."""
        self._update.load(state)

    def begin_epoch(self, seed: int) -> None:
        """Seed the draws of dropout, and put the network into training mode."""
        torch.manual_seed(seed)
        self.block.train()

    def train_step(self, images: Any, labels: Any, rate: float, label_smoothing: float = 0.0) -> _Started:
        """Start one step; on a GPU nothing in here waits for it."""
        self._statistics.before()
        with torch.autocast(self._device.type, self._autocast, enabled=self._autocast is not None):
            logits = self._call(images)
        loss = functional.cross_entropy(logits.float(), labels, label_smoothing=label_smoothing)
        loss.backward()
        self._statistics.after(len(labels))  # not before the backward pass, which looks at them
        self._update(rate)
        self._update.optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            right = (logits.argmax(1) == (labels if labels.ndim == 1 else labels.argmax(1))).sum()
        return _Started(torch.stack([loss.detach(), right.float()]), self._gpu)

    def end_epoch(self) -> None:
        """Wait for the device."""
        self.synchronize()

    def on_device(self, batches: Iterable[Batch]) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
        """The batches as tensors on the device; on a GPU, those of a small dataset are made there (feed.py)."""
        if self._gpu and isinstance(batches, Epoch) and batches.feed.resident:
            yield from resident_batches(batches, self._device)
            return
        for images, labels in batches:
            x = torch.from_numpy(images).to(self._device, non_blocking=True)
            y = torch.from_numpy(labels).to(self._device)
            yield x.contiguous(memory_format=torch.channels_last), y.long() if y.ndim == 1 else y

    def predict(self, images: Array) -> Array:
        """Logits, (batch, classes), in inference mode."""
        self.block.eval()
        x = torch.from_numpy(images).to(self._device).contiguous(memory_format=torch.channels_last)
        with torch.no_grad(), torch.autocast(self._device.type, self._autocast, enabled=self._autocast is not None):
            logits: Array = self._call(x).float().cpu().numpy()
        return logits

    def _call(self, x: torch.Tensor) -> torch.Tensor:
        """The network's output, which with CUDA graphs is good until the next call: nothing here keeps it longer.

        They copy `x` into memory of their own, and read weights and running statistics where they
        are, which training changes in place.
        """
        if self._cuda_graphs:
            torch.compiler.cudagraph_mark_step_begin()
        return self.network(x)

    def synchronize(self) -> None:
        """Wait for everything under way."""
        if self._gpu:
            torch.cuda.synchronize(self._device)

    def peak_memory(self) -> int:
        """Bytes: the process's largest resident size on the CPU, the most ever allocated on a GPU."""
        if self._gpu:
            return int(torch.cuda.max_memory_allocated(self._device))
        return hardware.peak_resident()


def _compiled(block: torch.fx.GraphModule, way: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """The block under torch.compile in one of its modes.

    Dropout draws as it does uncompiled, at the price of kernels that are not fused: else the way of
    compiling would decide which units fall out, and so more of a trial's outcome than rounding.
    """
    from torch._inductor import list_mode_options

    options = {**list_mode_options(way), "fallback_random": True}
    compiled: Callable[[torch.Tensor], torch.Tensor] = torch.compile(block, options=options)
    return compiled


class _Statistics:
    """Running variances as MXNet keeps them, of the batch itself; PyTorch keeps n / (n - 1) times as much.

    With PyTorch's new value r' = k r + (1 - k) v n / (n - 1), ours is r' - (r' - k r) / n.
    """

    def __init__(self, graph: Graph, arrays: Mapping[str, torch.Tensor]) -> None:
        batch = [node for node in graph.nodes if node.op == "norm" and node.attrs["kind"] == "batch"]
        norms = [node for node in batch if not node.attrs.get("frozen")]
        self._running = [arrays[f"{node.name}.running_var"] for node in norms]
        self._kept = [node.attrs["momentum"] for node in norms]
        self._positions = [node.output[1] * node.output[2] for node in norms]
        self._old: list[torch.Tensor] = []

    def before(self) -> None:
        """Remember the values that a forward pass is about to change."""
        self._old = [running.clone() for running in self._running]

    def after(self, batch: int) -> None:
        """Correct what a forward pass over `batch` images has made of them."""
        if self._running:
            counts = [batch * positions for positions in self._positions]
            with torch.no_grad():
                torch._foreach_mul_(self._running, [1 - 1 / n for n in counts])
                torch._foreach_mul_(self._old, [kept / n for kept, n in zip(self._kept, counts, strict=True)])
                torch._foreach_add_(self._running, self._old)


class _Started:
    """A step on the device; see `StartedStep` of the contract."""

    def __init__(self, values: torch.Tensor, gpu: bool) -> None:
        self._values, self._event = values, None
        if gpu:
            self._values = values.to("cpu", non_blocking=True)
            self._event = torch.cuda.Event()
            self._event.record()

    def is_done(self) -> bool:
        """Whether the device has finished the step."""
        return self._event is None or bool(self._event.query())

    def wait(self) -> tuple[float, float]:
        """The loss, and the images that were classified right."""
        if self._event is not None:
            self._event.synchronize()
        loss, right = self._values.tolist()
        return loss, right
