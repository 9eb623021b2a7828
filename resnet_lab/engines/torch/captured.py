"""A whole training step as one CUDA graph, which Python starts with one call.

The first steps run one operation after another, as always: they choose kernels, compile, and create the optimizer's
state. Then the step is captured: its operations are recorded together with the memory that they use. Each later step
repeats the recording, so all that differs between steps lies in memory that never moves: the batch, the learning rate,
the number of the step. Nothing that Python computes during a step can differ between steps.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from ...base.errors import reason
from .static_batches import Position

WARM_UPS = 3
"""The steps that run before the capture; the first also creates the optimizer's state, and so differs from the rest."""

Replay = Callable[[], None]
"""Repeats what a capture recorded."""


class CannotCapture(Exception):
    """The step has an operation that cannot be captured; the message is the error of this operation."""


class Capture(Protocol):
    """Records what functions do on the device."""

    def __call__(self, function: Callable[[], None]) -> Replay:
        """Record the operations of a function without carrying them out; returns a function that carries them out."""

    def carry_out(self, function: Callable[[], None]) -> None:
        """Call a function that will be recorded later, in the same surroundings."""


class CudaGraphs:
    """Captures functions as CUDA graphs.

    The graphs share their memory. None of them keeps anything there for the next step, and they run one after another.

    Args:
        device: the GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self._device, self._stream = device, torch.cuda.Stream(device)
        self._pool: Any = torch.cuda.graph_pool_handle()

    def __call__(self, function: Callable[[], None]) -> Replay:
        cause: Exception | None = None
        with torch.cuda.device(self._device):
            graph, current = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
            _forget_workspaces()
            try:
                # Other threads, such as one that copies batches into pinned memory, must not break the capture.
                with torch.cuda.graph(graph, self._pool, self._stream, capture_error_mode="thread_local"):
                    try:
                        function()
                    except Exception as error:
                        cause = error  # PyTorch replaces it by an error that says only that a capture has failed.
                        raise
            except Exception as error:
                self._recover(current)
                raise cause or error from None
            finally:
                _forget_workspaces()
        return lambda: graph.replay()

    def _recover(self, stream: torch.cuda.Stream) -> None:
        """Put back what PyTorch leaves as it is when the end of a capture fails.

        The stream of the capture is still the current one. The generator of random numbers still waits for the end of
        the capture, so that dropout would fail; a new state of the generator goes on with the same numbers. And before
        PyTorch 2.12 the memory allocator waits for it, too, so that every later capture and `empty_cache` would fail.
        """
        torch.cuda.set_stream(stream)
        generator = torch.cuda.default_generators[self._device.index]
        if hasattr(generator, "graphsafe_set_state"):  # from PyTorch 2.4 on
            state = torch.Generator(self._device)
            state.set_state(generator.get_state())
            generator.graphsafe_set_state(state)
        names = ("_cuda_endAllocateToPool", "_cuda_endAllocateCurrentStreamToPool")  # the second before PyTorch 2.8
        end = next(getattr(torch._C, name) for name in names if hasattr(torch._C, name))
        try:
            end(self._device.index, self._pool)
        except RuntimeError:  # The allocator does not wait.
            return
        torch._C._cuda_releasePool(self._device.index, self._pool)

    def carry_out(self, function: Callable[[], None]) -> None:
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            function()
        current.wait_stream(self._stream)


def _forget_workspaces() -> None:
    """Free the memory that cuBLAS keeps for its products, so that a capture takes its own from the graph's memory.

    A graph repeats the addresses of the capture. torch.compile frees all workspaces when it records graphs of its own;
    one from before the capture would then belong to others, while the graph still writes there.
    """
    torch._C._cuda_clearCublasWorkspaces()


class _Copied:
    """Images and labels that are copied into memory that does not move."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        self._images, self._labels = torch.empty_like(images), torch.empty_like(labels)

    def put(self, images: Any, labels: Any) -> None:
        self._images.copy_(images)
        self._labels.copy_(labels)

    def read(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self._images, self._labels


class _Gathered:
    """Images and labels that the step itself gathers from a dataset on the device."""

    def __init__(self, position: Position) -> None:
        self._epoch = position.epoch

    def put(self, images: Position, labels: Any) -> None:
        self._epoch.go_to(images)

    def read(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self._epoch.next()


@dataclass
class _Form:
    """The steps on batches of one form.

    Attributes:
        inputs: where the step reads its batch.
        run: the step without arguments and without a result, as it is captured.
        steps: how many steps were carried out without a graph.
        replay: repeats the captured step; None before the capture.
    """

    inputs: _Copied | _Gathered
    run: Callable[[], None]
    steps: int = 0
    replay: Replay | None = None


class CapturedStep:
    """Takes training steps: the first ones as they are, and the others by replay of a captured one.

    Each form of a batch (its shape, or the dataset on the device from which it comes) has a graph of its own.

    Args:
        step: takes images, labels and the label smoothing, trains on them, and returns the score of the batch.
        capture: what records the step.
    """

    def __init__(self, step: Callable[[torch.Tensor, torch.Tensor, float], torch.Tensor], capture: Capture) -> None:
        self._step, self._capture = step, capture
        self._score = torch.empty(0)
        self._forms: dict[Hashable, _Form] = {}

    def __call__(self, images: torch.Tensor | Position, labels: Any, smoothing: float, training: bool) -> torch.Tensor:
        """Take one step.

        Args:
            images: images (batch, C, H, W), or the position of a batch in a dataset on the device.
            labels: the labels; not read if `images` is a position.
            smoothing: the label smoothing.
            training: whether the network is in training mode.

        Returns:
            The score of the batch, which the next step overwrites.

        Raises:
            CannotCapture: the step cannot be captured; it was not taken, and nothing has changed.
        """
        form = self._form(images, labels, smoothing, training)
        form.inputs.put(images, labels)
        if form.replay is None and form.steps >= WARM_UPS:
            try:
                form.replay = self._capture(form.run)
            except Exception as error:
                raise CannotCapture(reason(error)) from error
        if form.replay is not None:
            form.replay()
        else:
            self._capture.carry_out(form.run)
            form.steps += 1
        return self._score

    def _form(self, images: torch.Tensor | Position, labels: Any, smoothing: float, training: bool) -> _Form:
        """The form of a batch; a new one gets its own memory for the batch."""
        own: Hashable
        if isinstance(images, Position):
            own = images.epoch
        else:
            own = (images.shape, images.stride(), labels.shape, labels.dtype)
        key = (own, smoothing, training)
        if key not in self._forms:
            inputs = _Gathered(images) if isinstance(images, Position) else _Copied(images, labels)

            def run() -> None:
                score = self._step(*inputs.read(), smoothing)
                if self._score.shape != score.shape:  # the very first step
                    self._score = torch.empty_like(score)
                self._score.copy_(score)

            self._forms[key] = _Form(inputs, run)
        return self._forms[key]
