"""An engine that computes nothing, for tests of what a sweep costs besides training.

It is a plug-in: `resnet_lab.engines.add("nothing", "tests.engines.nothing")` adds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from resnet_lab.base.errors import LabError
from resnet_lab.blocks.opaque import ModuleFacts
from resnet_lab.engines.answers import one_after_another
from resnet_lab.network.graph import Graph, Shape
from resnet_lab.network.tensor import OPS


class NoStep:
    """A step that is done at once, with a loss of 1 and no right answer."""

    def __init__(self, images: int) -> None:
        self._images = images

    def is_done(self) -> bool:
        return True

    def wait(self) -> tuple[float, float, int]:
        return 1.0, 0.0, self._images


class NoModel:
    """Keeps its weights as they were loaded, and answers every image with zeros."""

    block = network = None
    most_started = 1.0
    fallback = None

    def __init__(self, graph: Graph, device: str) -> None:
        self.device, self._classes = device, graph.output[0]
        self._weights: dict[str, Any] = {}

    def load(self, weights: Mapping[str, Any]) -> None:
        self._weights = dict(weights)

    def weights(self) -> dict[str, Any]:
        return dict(self._weights)

    def prepare(self, optimizer: Any, clip_norm: float | None = None, ema: float | None = None) -> None: ...

    def averaged(self) -> AbstractContextManager[None]:
        return nullcontext()

    def optimizer_state(self) -> dict[str, Any]:
        return {}

    def load_optimizer_state(self, state: Mapping[str, Any]) -> None: ...

    def begin_epoch(self, seed: int) -> None: ...

    def on_device(self, batches: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        return iter(batches)

    def train_step(self, images: Any, labels: Any, rate: float, label_smoothing: float = 0.0) -> NoStep:
        return NoStep(len(labels))

    def step_parts(self, images: Any, labels: Any, rate: float) -> dict[str, float]:
        return {"forward": 1.0, "backward": 2.0, "update": 0.5}

    def end_epoch(self) -> None: ...

    def predict(self, images: Any) -> Any:
        return np.zeros((len(images), self._classes), np.float32)

    def answers(self, batches: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        return one_after_another(self.predict, batches)

    def synchronize(self) -> None: ...

    def peak_memory(self) -> int:
        return 0


class NoEngine:
    """The contract of an engine (engines/contract.py), without a framework."""

    name = "nothing"
    packages: tuple[str, ...] = ()
    precisions = ("float32",)
    synchronised_norm = False
    compile_modes = ("off",)
    default_compile_mode = "off"
    ops = frozenset(OPS)

    def problem(self) -> str | None:
        return None

    def version(self) -> str:
        return "0"

    def package(self) -> str:
        return ""

    def devices(self) -> list[str]:
        return ["cpu"]

    def device(self, wanted: str) -> tuple[str, str]:
        return "cpu", "it computes nothing"

    def use_threads(self, count: int) -> None: ...

    def check_precision(self, precision: str, device: str) -> None: ...

    def compiling(self, wanted: str, device: str) -> tuple[str, str]:
        return "off", "it computes nothing"

    def processes(self, device: str) -> int:
        return 1

    def build(
        self, graph: Graph, device: str, precision: str = "float32", compile: str = "auto", rank: Any = None
    ) -> NoModel:
        return NoModel(graph, device)

    def deterministic(self) -> AbstractContextManager[None]:
        return nullcontext()

    def matrix_product(self, size: int, device: str, precision: str) -> Callable[[], object]:
        return lambda: None

    def module_facts(self, module: Any, input: Shape) -> ModuleFacts:
        raise LabError("the engine 'nothing' has no modules")

    def out_of_memory(self, error: BaseException) -> bool:
        return isinstance(error, MemoryError)

    def clean_up(self) -> None: ...


ENGINE = NoEngine()
