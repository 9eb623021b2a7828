"""The model that trains a graph as a torch.nn.Module."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch
from torch.nn import functional

from ...base import hardware
from ...data.pipeline.feed import Epoch, Feed
from ...network.graph import Graph
from ...specs.optimizers import Optimizer
from ..answers import one_after_another
from ..contract import STEP_PARTS, Fallback, Rank
from ..devices import check_weights
from .answers import answers
from .captured import CannotCapture, CapturedStep, CudaGraphs
from .compiling import WHOLE_STEP, WITH_CUDA_GRAPHS, compiled
from .feed import is_made_on_device, resident_batches
from .float16 import ScaledUpdate
from .group import Group
from .lowering import lower, own_name
from .precision import Precision
from .running_variances import RunningVariances
from .sending import sent
from .started import Started
from .static_batches import EpochOnDevice, Position, is_gathered
from .static_update import StaticUpdate
from .update import Update

if TYPE_CHECKING:
    from ...data.pipeline.feed import Batch
    from ..contract import Array


class TorchModel:
    """A model whose `block` is a torch.fx.GraphModule; engines/contract.py describes the methods.

    The memory of images and weights is laid out channels last. `network` is `block`, or the function that torch.compile
    made of it, which uses the same weights.

    If several processes train the model together, each takes its part of every batch, and all apply the same update,
    with the gradients of the mean loss over the whole batch.

    Args:
        graph: the network.
        device: `cpu` or `gpu:N`.
        precision: `float32`, `tf32`, `bfloat16` or `float16`.
        mode: the compile mode, one of COMPILE_MODES.
        rank: the place of this process among those that train the model together; None if it is the only one.
    """

    most_started = math.inf
    """A GPU may queue all steps of an epoch; their losses are read when the GPU has finished them."""

    _gathers = True
    """Whether a captured step may make the batches of a small dataset itself (static_batches.py)."""

    def __init__(
        self, graph: Graph, device: str, precision: str = "float32", mode: str = "off", rank: Rank | None = None
    ) -> None:
        self.graph, self.device = graph, device
        self._device = torch.device(device.replace("gpu", "cuda"))
        self._gpu = self._device.type == "cuda"
        self._precision = Precision(precision, self._device)
        synchronised = rank is not None and rank.synchronised
        self._rank, self._group = rank, None if rank is None else Group(rank, self._device)
        self.block: torch.fx.GraphModule = lower(graph, synchronised).to(
            self._device, memory_format=torch.channels_last
        )
        own_mode = WHOLE_STEP.get(mode, mode)
        self.network: Callable[[torch.Tensor], torch.Tensor] = (
            self.block if own_mode == "off" else compiled(self.block, own_mode)
        )
        self._mode = mode
        self.fallback: Fallback | None = None
        if mode in WHOLE_STEP and rank is not None:
            self.fallback = Fallback(own_mode, "several processes train the model together")
        elif mode in WHOLE_STEP and not self._precision.capturable:
            self.fallback = Fallback(own_mode, f"with {precision}, Python decides in each step whether it counts")
        self._cuda_graphs = self._gpu and mode in WITH_CUDA_GRAPHS
        if self._gpu:
            torch.backends.cudnn.benchmark = not torch.are_deterministic_algorithms_enabled()
        own = dict(self.block.named_parameters()) | dict(self.block.named_buffers())
        self._arrays = {f"{node.name}.{key}": own[own_name(node, key)] for node in graph.nodes for key in node.params}
        self._trained = {name: self._arrays[name] for name, parameter in graph.parameters.items() if parameter.trained}
        for name in self._arrays.keys() - self._trained.keys():
            self._arrays[name].requires_grad_(False)
        self._statistics = RunningVariances(graph, self._arrays, synchronised)
        self._captured: CapturedStep | None = None
        self._epochs: WeakKeyDictionary[Feed, EpochOnDevice] = WeakKeyDictionary()

    def load(self, weights: Mapping[str, Array]) -> None:
        """Set all arrays by canonical name.

        Raises:
            LabError: a name is missing or left over, or a shape differs.
        """
        check_weights(self.graph, weights)
        with torch.no_grad():
            for name, own in self._arrays.items():
                own.copy_(torch.from_numpy(weights[name]))

    def weights(self) -> dict[str, Array]:
        """Copies of all arrays by canonical name, float32."""
        return {name: own.detach().cpu().contiguous().numpy().copy() for name, own in self._arrays.items()}

    def prepare(self, optimizer: Optimizer, clip_norm: float | None = None, ema: float | None = None) -> None:
        """Begin training with an empty optimizer state; engines/contract.py describes the arguments."""
        self._prepared = optimizer, self._trained, clip_norm, ema
        is_captured = self._mode in WHOLE_STEP and self.fallback is None
        if self._precision.scaled:
            self._update: Update = ScaledUpdate(*self._prepared, device=self._device)
        else:
            self._update = StaticUpdate(*self._prepared) if is_captured else Update(*self._prepared)
        self._captured = self._new_capture()

    def averaged(self) -> AbstractContextManager[None]:
        """Inside the context, the weights have the values of their moving average, if there is one."""
        return self._update.averaged()

    def optimizer_state(self) -> dict[str, Array]:
        """Copies of the optimizer's arrays by name."""
        return self._update.state()

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        """Restore a state that `optimizer_state` returned; graphs that used the memory of the old state are dropped."""
        self._update.load(state)
        self._captured = self._new_capture()

    def begin_epoch(self, seed: int) -> None:
        """Seed the random numbers of dropout, other ones in each process, and put the network into training mode."""
        torch.manual_seed(seed if self._rank is None else seed + (self._rank.number << 32))
        self.block.train()

    def train_step(self, images: Any, labels: Any, rate: float, label_smoothing: float = 0.0) -> Started:
        """Start one training step; on a GPU, no operation here waits for the result."""
        if self._captured is not None and isinstance(self._update, StaticUpdate):
            self._update.put(rate)
            try:
                score = self._captured(images, labels, label_smoothing, self.block.training)
                return Started(score if self._gpu else score.clone(), self._gpu)
            except CannotCapture as error:
                self._fall_back(str(error))
        score = self._step(*_tensors(images, labels), label_smoothing, partial(self._update, rate))
        return Started(score, self._gpu)

    def _step(
        self, images: torch.Tensor, labels: torch.Tensor, label_smoothing: float, update: Callable[[], None]
    ) -> torch.Tensor:
        """Take one training step; returns the mean loss, the correctly classified images and all images, (3,)."""
        logits, loss = self._forward(images, labels, label_smoothing)
        self._backward(loss, len(labels))
        with torch.no_grad():
            score = self._score(logits, labels, loss)
            if self._group is not None:
                score = self._group.combine([own.grad for own in self._trained.values()], score)
        update()
        self._update.optimizer.zero_grad(set_to_none=True)
        return score

    def _new_capture(self) -> CapturedStep | None:
        """Make what captures the whole step; None if the compile mode is another, or the step cannot be captured."""
        update = self._update
        if not isinstance(update, StaticUpdate):
            return None
        return CapturedStep(
            lambda images, labels, smoothing: self._step(images, labels, smoothing, update.apply),
            CudaGraphs(self._device),
        )

    def _fall_back(self, problem: str) -> None:
        """Train without a captured step from now on, from the same weights and the same state of the optimizer."""
        self.fallback = Fallback(WHOLE_STEP[self._mode], problem)
        update, self._update = self._update, Update(*self._prepared)
        update.optimizer.zero_grad(set_to_none=True)
        self._update.load(update.state())
        self._captured = None

    def step_parts(self, images: Any, labels: Any, rate: float) -> dict[str, float]:
        """Take one training step, and wait for the device after each part; returns the seconds of each part.

        This step is never a captured one, whose parts cannot be told apart.
        """
        images, labels = _tensors(images, labels)
        marks = [self._now()]
        _, loss = self._forward(images, labels)
        marks.append(self._now())
        self._backward(loss, len(labels))
        marks.append(self._now())
        self._update(rate)
        self._update.optimizer.zero_grad(set_to_none=True)
        marks.append(self._now())
        return {part: after - before for part, (before, after) in zip(STEP_PARTS, pairwise(marks), strict=True)}

    def _now(self) -> float:
        """The time when the device has finished, in seconds."""
        self.synchronize()
        return time.perf_counter()

    def _forward(
        self, images: torch.Tensor, labels: torch.Tensor, label_smoothing: float = 0.0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute the logits and the loss of a batch."""
        self._statistics.before()
        with self._precision.forward():
            logits = self._call(images)
        return logits, self._loss(logits.float(), labels, label_smoothing)

    def _loss(self, logits: torch.Tensor, labels: torch.Tensor, label_smoothing: float) -> torch.Tensor:
        """Compute the loss of a batch; its sum over the part of this process if several processes train together."""
        reduction = "mean" if self._group is None else "sum"
        return functional.cross_entropy(logits, labels, label_smoothing=label_smoothing, reduction=reduction)

    def _score(self, logits: torch.Tensor, labels: torch.Tensor, loss: torch.Tensor) -> torch.Tensor:
        """Stack the loss, the number of correctly classified images, and the number of images: (3,)."""
        right = (logits.argmax(1) == (labels if labels.ndim == 1 else labels.argmax(1))).sum()
        return torch.stack([loss.detach(), right.float(), loss.new_full((), len(labels))])

    def _backward(self, loss: torch.Tensor, images: int) -> None:
        """Compute the gradients, and correct the running statistics, which the backward pass still reads."""
        if isinstance(self._update, ScaledUpdate):
            loss = self._update.scaled(loss)
        with self._precision.products():
            loss.backward()
        self._statistics.after(images)

    def end_epoch(self) -> None:
        """Wait for the device; if several processes train together, give each the mean of their running statistics."""
        self.synchronize()
        if self._group is not None:
            statistics = [own for name, own in self._arrays.items() if name.rpartition(".")[2].startswith("running_")]
            self._group.average(statistics)

    def on_device(self, batches: Iterable[Batch]) -> Iterable[tuple[Any, Any]]:
        """Convert batches to tensors on the device; a GPU makes the batches of a small dataset itself (feed.py).

        Where a captured step makes them, it gets their positions instead (static_batches.py).
        """
        if self._gathers and self._captured is not None and isinstance(batches, Epoch) and is_gathered(batches.feed):
            if batches.feed not in self._epochs:
                self._epochs[batches.feed] = EpochOnDevice(batches.feed, self._device)
            yield from ((position, position) for position in self._epochs[batches.feed].positions(batches))
            return
        if self._gpu and isinstance(batches, Epoch) and is_made_on_device(batches.feed):
            yield from resident_batches(batches, self._device, self._rank)
            return
        yield from sent(batches, self._device, self._rank)

    def predict(self, images: Array) -> Array:
        """Compute logits (batch, classes) of images (batch, C, H, W) in inference mode."""
        self.block.eval()
        x = torch.from_numpy(images).to(self._device).contiguous(memory_format=torch.channels_last)
        logits: Array = self._logits(x).cpu().numpy()
        return logits

    def answers(self, batches: Iterable[Batch]) -> Iterator[tuple[Array, Array]]:
        """Compute the logits of batches in inference mode; a GPU works on several batches at once (answers.py)."""
        if self._gpu:
            self.block.eval()
            return answers(self._logits, batches, self._device)
        return one_after_another(self.predict, batches)

    def _logits(self, x: torch.Tensor) -> torch.Tensor:
        """Compute logits (batch, classes), float32, of images on the device."""
        with torch.no_grad(), self._precision.forward():
            return self._call(x).float()

    def _call(self, x: torch.Tensor) -> torch.Tensor:
        """Call the network.

        With CUDA graphs, the next call overwrites the output, so that callers must not keep it longer. The graphs copy
        `x` into their own memory; weights and running statistics they read in place, where training changes them.
        """
        if self._cuda_graphs:
            torch.compiler.cudagraph_mark_step_begin()
        return self.network(x)

    def synchronize(self) -> None:
        """Wait until the device has finished all its work."""
        if self._gpu:
            torch.cuda.synchronize(self._device)

    def peak_memory(self) -> int:
        """The largest memory use so far in bytes: of tensors on a GPU, or of the whole process on the CPU."""
        if self._gpu:
            return int(torch.cuda.max_memory_allocated(self._device))
        return hardware.peak_resident()


def _tensors(images: Any, labels: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """The images and the labels of a batch as tensors, which a position only stands for."""
    return images.batch() if isinstance(images, Position) else (images, labels)
