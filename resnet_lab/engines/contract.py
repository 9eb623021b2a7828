"""The contract of an engine: the protocols that every engine implements, and the values they exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ..blocks.opaque import ModuleFacts
from ..network.graph import Graph, Shape
from ..specs.optimizers import Optimizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..data.pipeline.feed import Batch

    Array = NDArray[Any]


STEP_PARTS = ("forward", "backward", "update")
"""The parts of a training step, in their order."""

FIRST_LOSS_SCALE = 1024.0
"""The factor of the loss in float16 with which training begins; a power of two, so that scaling does not round."""


@dataclass(frozen=True)
class Score:
    """The result of one pass over images: mean cross-entropy, the top-1 and top-5 shares, images and seconds."""

    loss: float
    top1: float
    top5: float
    count: int
    seconds: float


@dataclass(frozen=True)
class Rank:
    """The place of this process among the processes that train one model together.

    Each process computes its own part of every batch. Gradients, losses and running statistics are combined between
    the processes, so that all of them have the same weights after each step.

    Attributes:
        number: the number of this process, from 0.
        count: the number of processes.
        address: HOST:PORT, at which the processes find each other.
        synchronised: whether batch norm takes its statistics over the whole batch, and not over each part.
    """

    number: int
    count: int
    address: str
    synchronised: bool = False

    def part(self, images: int) -> slice:
        """The part of this process of a batch of `images` images; the sizes of the parts differ by at most one."""
        return slice(images * self.number // self.count, images * (self.number + 1) // self.count)


@dataclass(frozen=True)
class Fallback:
    """The compile mode in which a model runs instead of the one that it was built with.

    Attributes:
        mode: one of the engine's compile modes.
        reason: why the model cannot run in the other mode.
    """

    mode: str
    reason: str


class Diverged(Exception):
    """The training loss is not a finite number, or the gradients are not, however the loss is scaled."""


class StartedStep(Protocol):
    """A training step that was given to the device and may still be running there."""

    def is_done(self) -> bool:
        """Whether the device has finished the step, so that `wait` would return at once; does not wait itself."""

    def wait(self) -> tuple[float, float, int]:
        """Wait for the device; returns the batch's mean loss, its correctly classified images, and all its images."""


class Model(Protocol):
    """A network on a device; weights go by canonical name, images are float32, (batch, C, H, W), normalised."""

    block: Any
    """The framework's own module: a gluon.HybridBlock, a torch.nn.Module."""

    network: Any
    """The callable that computes the output: the compiled block, or the block itself where nothing is compiled."""

    device: str
    """The device in the words of an experiment: `cpu`, `gpu:0`, `gpu:0,1`."""

    fallback: Fallback | None
    """Set if the model does not run in the compile mode that it was built with; that may show only in training."""

    def load(self, weights: Mapping[str, Array]) -> None:
        """Set all arrays by canonical name.

        Raises:
            LabError: a name is missing or unknown, or a shape differs.
        """

    def weights(self) -> dict[str, Array]:
        """Copies of all arrays by canonical name, including the running statistics of norms; float32."""

    def prepare(self, optimizer: Optimizer, clip_norm: float | None = None, ema: float | None = None) -> None:
        """Begin training with an empty optimizer state.

        Args:
            optimizer: the settings of the update rule; the rates come from the schedule, one a step.
            clip_norm: the largest norm of all gradients together; None for no limit.
            ema: the decay of the moving average of the weights (specs/train.py); None for no average.
        """

    def averaged(self) -> AbstractContextManager[None]:
        """Inside the context, the weights have the values of their moving average, if `prepare` asked for one."""

    def optimizer_state(self) -> dict[str, Array]:
        """The optimizer's arrays by name; `load_optimizer_state` goes on from them exactly."""

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        """Restore a state that `optimizer_state` returned."""

    most_started: float
    """The number of steps that may be started before the loop waits for the oldest; infinity for no limit."""

    def begin_epoch(self, seed: int) -> None:
        """Prepare an epoch of training; `seed` is the seed of the network's own random numbers (dropout)."""

    def on_device(self, batches: Iterable[Batch]) -> Iterable[tuple[Any, Any]]:
        """Convert batches to images and labels as `train_step` takes them; what is on the device stays there.

        A model that several processes train may return the part of this process only. A model may also return an object
        that stands for images which its step makes itself; only its own methods can read such an object.
        """

    def train_step(self, images: Any, labels: Any, rate: float, label_smoothing: float = 0.0) -> StartedStep:
        """Start one training step on the device: forward pass, backward pass and update.

        Args:
            images: images (batch, C, H, W), as `on_device` returns them.
            labels: classes (batch,), or shares of classes (batch, classes), as `on_device` returns them.
            rate: the learning rate.
            label_smoothing: the share of each label that is spread evenly over all classes.
        """

    def step_parts(self, images: Any, labels: Any, rate: float) -> dict[str, float]:
        """Take one training step, and wait for the device after each part.

        The waits cost time, so that the parts together take longer than a step of `train_step`.

        Args:
            images, labels, rate: as for `train_step`.

        Returns:
            The seconds of each of STEP_PARTS.
        """

    def end_epoch(self) -> None:
        """Wait for the device; if several train together, give each the mean of their running statistics."""

    def predict(self, images: Array) -> Array:
        """Compute logits (batch, classes), float32, of images (batch, C, H, W) in inference mode."""

    def answers(self, batches: Iterable[Batch]) -> Iterator[tuple[Array, Array]]:
        """Compute the logits of batches in inference mode; a device may work on the next batches meanwhile.

        Args:
            batches: images (batch, C, H, W), normalised, and labels (batch,).

        Yields:
            For each batch, the logits (batch, classes), float32, and the labels.
        """

    def synchronize(self) -> None:
        """Wait until the device has finished all its work."""

    def peak_memory(self) -> int:
        """The largest memory use so far in bytes: of the device, or of this process if the device is the CPU."""


class Engine(Protocol):
    """A framework that can run graphs."""

    name: str
    packages: tuple[str, ...]
    precisions: tuple[str, ...]
    """The precisions of computation; weights, statistics of norms and the optimizer's state are always float32."""

    synchronised_norm: bool
    """Whether batch norm can take its statistics over the batch of several devices (`train.norm: synchronised`)."""

    compile_modes: tuple[str, ...]
    """The values of `compile` beside `auto`. Results differ by rounding only, so a trial's id does not contain them."""

    default_compile_mode: str
    """The compile mode outside experiments: of `resnet_lab.build`, unless it is given another, and of `predict`."""

    ops: frozenset[str]
    """The ops that the engine lowers; a test demands every op of the registry."""

    def problem(self) -> str | None:
        """Why the engine cannot run on this machine, with the command that helps; None where it can run."""

    def version(self) -> str:
        """The framework's version, '' where it is not installed."""

    def package(self) -> str:
        """The installed package that contains the framework; '' if it was not installed as a package."""

    def devices(self) -> list[str]:
        """`cpu`, and `gpu:0`, `gpu:1`, ... for the GPUs that the framework has kernels for."""

    def device(self, wanted: str) -> tuple[str, str]:
        """Choose the device that `auto`, `cpu`, `gpu`, `gpu:N`, `gpu:N,M` or `cpu:N,M` means on this machine.

        Returns:
            The device, and the reason for the choice.

        Raises:
            LabError: the device name is not valid, or a GPU that it names cannot be used.
        """

    def processes(self, device: str) -> int:
        """How many processes train one model together on a device: one for each device of it, or 1."""

    def use_threads(self, count: int) -> None:
        """Set the number of CPU threads; call it before the framework is imported."""

    def check_precision(self, precision: str, device: str) -> None:
        """Check that the engine computes in a precision on a device.

        Raises:
            LabError: the engine does not compute in this precision there.
        """

    def compiling(self, wanted: str, device: str) -> tuple[str, str]:
        """Choose the one of `compile_modes` that the value of `compile` means on a device.

        Returns:
            The mode, and the reason for the choice.

        Raises:
            LabError: the engine does not have this mode, or the mode cannot work on the device.
        """

    def build(
        self, graph: Graph, device: str, precision: str = "float32", compile: str = "auto", rank: Rank | None = None
    ) -> Model:
        """Build a model of a graph; its weights are zero until `Model.load` sets them.

        Args:
            graph: the network.
            device: the device, as the method `device` returns it.
            precision: one of `precisions`.
            compile: `auto`, or one of `compile_modes`.
            rank: the place of this process if several train the model together (`processes`). Each calls `build` with
                its own device, and the call returns when all have called it.

        Raises:
            LabError: the engine cannot run here, or has no such precision or compile mode on the device.
        """

    def deterministic(self) -> AbstractContextManager[None]:
        """A context in which the engine computes the same bits whenever it computes the same thing on a device.

        The context surrounds the building of a model and all that it computes. It raises a LabError if something has
        no deterministic form. When it ends, the engine is as it was before.
        """

    def matrix_product(self, size: int, device: str, precision: str) -> Callable[[], object]:
        """Make two square matrices of random numbers on a device.

        Returns:
            A function that multiplies the matrices (2 * size^3 floating-point operations), and waits for the device.
        """

    def module_facts(self, module: Any, input: Shape) -> ModuleFacts:
        """The output shape of a module of the framework for images of the shape `input` (C, H, W), and its arrays."""

    def out_of_memory(self, error: BaseException) -> bool:
        """Whether an error means that the memory of the machine or of the device was not sufficient."""

    def clean_up(self) -> None:
        """Give back the memory of models that are gone, and forget its peak and compiled code, as in a new process."""
