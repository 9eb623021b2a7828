"""The contract of an engine: the protocols that every engine implements, and the values they exchange."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


@dataclass(frozen=True)
class Score:
    """The result of one pass over images: mean cross-entropy, the top-1 and top-5 shares, images and seconds."""

    loss: float
    top1: float
    top5: float
    count: int
    seconds: float


class Diverged(Exception):
    """The training loss is not a finite number."""


class StartedStep(Protocol):
    """A training step that was given to the device and may still be running there."""

    def is_done(self) -> bool:
        """Whether `wait` would return at once; never waits itself."""

    def wait(self) -> tuple[float, float]:
        """The mean loss of the batch, and how many of its images were classified right."""


class Model(Protocol):
    """A network on a device; weights go by canonical name, images are float32, (batch, C, H, W), normalised."""

    block: Any
    """The framework's own module: a gluon.HybridBlock, a torch.nn.Module."""

    network: Any
    """The callable that computes the output: the compiled block, or the block itself where nothing is compiled."""

    device: str
    """The device in the words of an experiment: `cpu`, `gpu:0`, `gpu:0,1`."""

    def load(self, weights: Mapping[str, Array]) -> None:
        """Set all arrays. Raises LabError: a name is missing or unknown, or a shape differs."""

    def weights(self) -> dict[str, Array]:
        """Copies of all arrays, running statistics among them."""

    def prepare(self, optimizer: Optimizer, clip_norm: float | None = None, ema: float | None = None) -> None:
        """Begin training with an empty optimizer state.

        Args:
            optimizer: the settings of the update rule; the rates come from the schedule, one a step.
            clip_norm: the largest norm of all gradients together; None for no limit.
            ema: the decay of the moving average of the weights (specs/train.py); None for no average.
        """

    def averaged(self) -> AbstractContextManager[None]:
        """Inside the context, the model has the moving average of its weights, if `prepare` asked for one."""

    def optimizer_state(self) -> dict[str, Array]:
        """The optimizer's arrays by name; `load_optimizer_state` goes on from them exactly."""

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        """Restore a state that `optimizer_state` returned."""

    most_started: float
    """The number of steps that may be started before the loop waits for the oldest; infinity for no limit."""

    def begin_epoch(self, seed: int) -> None:
        """Get ready to train; `seed` is for what the network itself draws (dropout)."""

    def on_device(self, batches: Iterable[Batch]) -> Iterable[tuple[Any, Any]]:
        """The batches as `train_step` takes them; images and labels that live on the device stay there."""

    def train_step(self, images: Any, labels: Any, rate: float, label_smoothing: float = 0.0) -> StartedStep:
        """Start one training step on the device: forward pass, backward pass and update."""

    def end_epoch(self) -> None:
        """Wait for the device, and bring together what several devices computed apart."""

    def predict(self, images: Array) -> Array:
        """Logits, (batch, classes), float32, in inference mode."""

    def synchronize(self) -> None:
        """Wait until the device has nothing left to do."""

    def peak_memory(self) -> int:
        """The most bytes held so far: of the device, or of this process on the CPU."""


class Engine(Protocol):
    """A framework that can run graphs."""

    name: str
    packages: tuple[str, ...]
    precisions: tuple[str, ...]
    """The precisions of computation; weights, statistics of norms and the optimizer's state are always float32."""

    multi_gpu: bool
    """Whether one model can train on several GPUs at once."""

    compile_modes: tuple[str, ...]
    """The values of `compile` beside `auto`. Results differ by rounding only, so a trial's id does not contain them."""

    default_compile_mode: str
    """The one of `compile_modes` that the framework's own code expects of a module, and that starts at once."""

    ops: frozenset[str]
    """The ops that the engine lowers; a test demands every op of the registry."""

    def problem(self) -> str | None:
        """Why the engine cannot run on this machine, with the command that helps; None where it can run."""

    def version(self) -> str:
        """The framework's version, '' where it is not installed."""

    def package(self) -> str:
        """The installed package that the framework came with; '' where it came otherwise."""

    def devices(self) -> list[str]:
        """`cpu`, then `gpu:0`, ... those that it has kernels for."""

    def device(self, wanted: str) -> tuple[str, str]:
        """The device that `auto`, `cpu`, `gpu`, `gpu:N` or `gpu:N,M` means here, and why.

        Raises LabError: there is none.
        """

    def use_threads(self, count: int) -> None:
        """How many CPU threads to use; before the framework is imported."""

    def check_precision(self, precision: str, device: str) -> None:
        """See that it computes in a precision on a device. Raises LabError."""

    def compiling(self, wanted: str, device: str) -> tuple[str, str]:
        """The one of `compile_modes` that `compile` means on a device, and why.

        Raises LabError: that mode cannot work there.
        """

    def build(self, graph: Graph, device: str, precision: str = "float32", compile: str = "auto") -> Model:
        """A model of the graph, all zeros until `load`. Raises LabError: not in that precision, not compiled so."""

    def module_facts(self, module: Any, input: Shape) -> ModuleFacts:
        """What a module of the framework makes of images of `input` (C, H, W), and what arrays it has."""

    def out_of_memory(self, error: BaseException) -> bool:
        """Whether an error of the framework says that memory ran out."""
