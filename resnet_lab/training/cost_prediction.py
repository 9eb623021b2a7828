"""Predict the cost of any network on this machine, from the kept times of small networks (calibration.py).

A calibration holds for one engine in one version, one device, one processor, one number of threads, one precision and
one compile mode. It is a JSON file in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from .. import engines
from ..base import hardware
from ..base.errors import LabError
from ..base.files import read_json, write_json
from ..base.other_load import BUSY
from ..data.formats.download import cache_folder
from ..network.graph import Graph
from ..network.memory import BYTES, Memory, layer_activations, training_memory
from .calibration_networks import digest, samples
from .cost_model import CostModel, Timed, fit


@dataclass(frozen=True)
class Here:
    """What a calibration holds for."""

    engine: str
    version: str
    device: str
    hardware: str
    threads: int
    precision: str
    compile: str

    @property
    def file(self) -> Path:
        """Where the calibration is kept."""
        facts = hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:12]
        return cache_folder() / "calibration" / f"{self.engine}-{self.precision}-{facts}.json"

    @property
    def text(self) -> str:
        """One line for people: 'torch 2.13.0 on cpu (AMD EPYC, 2 threads), float32, compile off'."""
        return (
            f"{self.engine} {self.version} on {self.device} ({self.hardware}, {self.threads} "
            f"thread{'s' if self.threads > 1 else ''}), {self.precision}, compile {self.compile}"
        )


def this_machine(engine: str = "auto", device: str = "auto", precision: str = "float32") -> Here:
    """What a calibration has to hold for on this machine, in the compile mode that `resnet-lab run` uses.

    Raises:
        LabError: The engine, the device or the precision cannot be used here.
    """
    name, _ = engines.choose(engine)
    own = engines.get(name)
    problem = own.problem()
    if problem:
        raise LabError(f"the engine '{name}' cannot run here: {problem}")
    own.use_threads(hardware.threads())
    place, _ = own.device(device)
    own.check_precision(precision, place)
    if "," in place:
        raise LabError(f"a calibration is of one device, not of '{place}'")
    mode, _ = own.compiling("auto", place)
    chip = hardware.gpus()[int(place.partition(":")[2])]["name"] if place.startswith("gpu") else hardware.processor()
    return Here(name, own.version(), place, chip, hardware.threads_in_use(), precision, mode)


@dataclass(frozen=True)
class Prediction:
    """What training and inference of a network will cost here.

    Attributes:
        batch: the images in a batch.
        train_s: the seconds of a training step.
        infer_s: the seconds of the inference of a batch.
        train_layers: the seconds of each layer in a training step; those of the input are the fixed costs of a step.
        infer_layers: the same for inference.
        kept: the bytes that each layer keeps for the backward pass.
        memory: the memory of a training step that the network itself needs.
        peak_bytes: the largest memory of the process that trains, or of the GPU.
        like_relu: the ops of the network that were not measured, and were counted as ReLUs of the same size.
    """

    batch: int
    train_s: float
    infer_s: float
    train_layers: dict[str, float]
    infer_layers: dict[str, float]
    kept: dict[str, int]
    memory: Memory
    peak_bytes: int
    like_relu: list[str]

    @property
    def train_images_per_s(self) -> float:
        """Images a second in training."""
        return self.batch / self.train_s

    @property
    def infer_images_per_s(self) -> float:
        """Images a second in inference."""
        return self.batch / self.infer_s


@dataclass(frozen=True)
class Calibration:
    """The measurements of one machine.

    Attributes:
        here: what they hold for.
        made: when they were made, UTC.
        took_s: how many seconds that took.
        other_load: the cores that other programs used meanwhile, on average.
        times: for each network its name, the seconds of a training step and those of inference.
        memory: for each network whose memory was measured its name, the images in a batch and the peak in bytes.
    """

    here: Here
    made: str
    took_s: float
    other_load: float
    times: Sequence[tuple[str, float, float]]
    memory: Sequence[tuple[str, int, int]]

    @property
    def is_disturbed(self) -> bool:
        """Whether other programs ran meanwhile, so that the times are not those of a quiet machine."""
        return self.other_load > BUSY

    @cached_property
    def train(self) -> CostModel:
        """The fitted times of training steps."""
        return fitted({name: train for name, train, _ in self.times})

    @cached_property
    def infer(self) -> CostModel:
        """The fitted times of inference."""
        return fitted({name: infer for name, _, infer in self.times})

    @cached_property
    def memory_line(self) -> tuple[float, float]:
        """The memory of a process that holds no network, and by how much the measured memory exceeds the counted."""
        known = {sample.name: sample for sample in samples()}
        counted = [self._counted(known[name].graph, batch).peak for name, batch, _ in self.memory]
        factor, base = np.polyfit(counted, [peak for *_, peak in self.memory], 1)
        return float(base), float(factor)

    def _counted(self, graph: Graph, batch: int) -> Memory:
        return training_memory(graph, batch, slots=1, bytes_each=self._bytes)

    @property
    def _bytes(self) -> int:
        return BYTES if self.here.precision in ("float32", "tf32") else 2

    def predict(self, graph: Graph, batch: int) -> Prediction:
        """Predict the cost of a network: training with SGD and momentum, and inference.

        Args:
            graph: the network.
            batch: the number of images in a batch.
        """
        train, infer = self.train.seconds(graph, batch), self.infer.seconds(graph, batch)
        memory = self._counted(graph, batch)
        base, factor = self.memory_line
        return Prediction(
            batch,
            sum(train.values()),
            sum(infer.values()),
            train,
            infer,
            layer_activations(graph, batch, self._bytes),
            memory,
            round(base + factor * memory.peak),
            self.train.unknown_ops(graph),
        )

    def save(self) -> Path:
        """Write the calibration to its place in the cache folder."""
        file = self.here.file
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {"networks": digest(), **asdict(self)})
        return file


def fitted(seconds: Mapping[str, float]) -> CostModel:
    """Fit a model to the seconds of steps of measured networks, given by the networks' names."""
    known = {sample.name: sample for sample in samples()}
    return fit([Timed(known[name].graph, known[name].batch, time) for name, time in seconds.items()])


def load(here: Here) -> Calibration:
    """Read the calibration of this machine.

    Raises:
        LabError: There is none; the message says which command makes it.
    """
    command = f"resnet-lab bench --calibrate --engine {here.engine}"
    command += "" if here.precision == "float32" else f" --dtype {here.precision}"
    if not here.file.is_file():
        raise LabError(f"this machine is not calibrated for {here.text}; run: {command}")
    values = read_json(here.file)
    if values.pop("networks", None) != digest():
        raise LabError(f"another version of resnet-lab made the calibration of {here.text}; run: {command}")
    values["here"] = Here(**values["here"])
    return Calibration(**values)
