"""How fast a network is on an engine and a device, alone and in turns with others.

The images are noise and the learning rate is tiny: what a network computes does not matter here. docs/bench.md says
what each column means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import engines
from ..base import energy, hardware, throttling
from ..base.other_load import OtherLoad
from ..engines.contract import STEP_PARTS, Model
from ..network.graph import Graph
from ..network.initial import initial
from ..specs.optimizers import Sgd
from .timing import LEAST, Sample, Times, in_turns, measure, settle, stopwatch
from .trial import Place

MODES = ("infer", "train", *STEP_PARTS)
"""What is timed: inference of a batch, a whole training step, or one part of a training step."""

_RATE = 1e-6
"""The learning rate: so low that the loss stays finite however many steps there are."""

_FLOPS = {"infer": 2, "train": 6, "forward": 2, "backward": 4}
"""Floating-point operations for each multiply-add: the backward pass computes two gradients, of inputs and weights."""

_CPU_SIZES, _GPU_SIZES = (512, 1024), (4096, 8192)
"""The sizes of the matrices whose product gives the peak: a smaller one may stay in a cache, a larger one may not."""

_WINDOW, _AGREE, _WARMUPS = 3, 0.05, 10
_MOST, _SECONDS = 200, 2.0
"""A row has at least LEAST samples; more up to `_MOST`, as long as they take less than `_SECONDS`."""

_TURNS_SECONDS = 10.0
"""The same for the turns of a comparison, whose interval has to be narrower than the margin of `same`."""


@dataclass(frozen=True)
class Setting:
    """What is measured, and where; all values are those that ran, never `auto`.

    Attributes:
        engine: the engine's name.
        place: the device, the compile mode and the threads.
        precision: the precision of computation.
        mode: one of MODES.
        batch: the number of images in a batch.
    """

    engine: str
    place: Place
    precision: str
    mode: str
    batch: int


def ready(graph: Graph, setting: Setting) -> tuple[Model, Sample]:
    """Build a network, give it weights and a batch of noise, and make the sample of the setting's mode.

    Raises:
        LabError: the engine cannot run here, or not in this precision or compile mode.
    """
    model = engines.get(setting.engine).build(graph, setting.place.device, setting.precision, setting.place.compile)
    model.load(initial(graph, 0))
    draw = np.random.default_rng(0)
    pictures = draw.standard_normal((setting.batch, *graph.input), dtype=np.float32)
    if setting.mode == "infer":
        return model, stopwatch(lambda: model.predict(pictures))
    model.prepare(Sgd(lr=_RATE, momentum=0.9))
    model.begin_epoch(0)
    classes = draw.integers(0, graph.output[0], setting.batch).astype(np.int32)
    ((images, labels),) = model.on_device([(pictures, classes)])
    if setting.mode == "train":
        return model, stopwatch(lambda: model.train_step(images, labels, _RATE).wait())
    return model, lambda: model.step_parts(images, labels, _RATE)[setting.mode]


def alone(graph: Graph, setting: Setting, *, timed: bool = True, latency: bool = True) -> dict[str, Any]:
    """Measure one network.

    Args:
        graph: the network.
        setting: what is measured, and where.
        timed: whether to time it; otherwise the times come from `turns`.
        latency: whether to time the inference of a single image.

    Returns:
        The columns `peak_memory_mb`, `latency_ms` and, where a counter can be read, `energy_j_per_1000`; and those of
        `columns`, if it is timed. If the model could not use its compile mode: `compile`, the mode that it used, and
        `fallback`, the reason.
    """
    hardware.forget_peak()
    model, sample = ready(graph, setting)
    noise = _Noise(setting.place.device)
    if timed:
        times = _measured(sample)
        row = columns(times, graph, setting) | noise.columns()
    else:
        settle(sample, window=_WINDOW, most=1)
        row = {}
    row["peak_memory_mb"] = model.peak_memory() / 2**20
    joules = energy.meter(setting.place.device)
    if joules is not None:
        (seconds,) = in_turns([sample], least=5, most=10_000)
        row["energy_j_per_1000"] = 1000 * joules() / (len(seconds) * setting.batch)
    if latency:
        one = np.zeros((1, *graph.input), np.float32)
        row["latency_ms"] = 1000 * _measured(stopwatch(lambda: model.predict(one))).median
    if model.fallback is not None:
        row |= {"compile": model.fallback.mode, "fallback": model.fallback.reason}
    return row


def turns(samples: Sequence[Sample], device: str) -> tuple[list[Times], dict[str, Any]]:
    """Time several networks in turns: A, B, A, B, ...

    Args:
        samples: the networks' samples, as `ready` gives them.
        device: the device.

    Returns:
        The times of each network, and the columns that say what else the machine did.
    """
    settled = [settle(sample, window=_WINDOW, agree=_AGREE, most=_WARMUPS)[1] for sample in samples]
    noise = _Noise(device)
    seconds = in_turns(samples, least=LEAST, most=_MOST, seconds=_TURNS_SECONDS)
    return [Times(*pair) for pair in zip(seconds, settled, strict=True)], noise.columns()


def columns(times: Times, graph: Graph, setting: Setting) -> dict[str, Any]:
    """The columns of a row that follow from the times of a network."""
    row: dict[str, Any] = {"images_per_s": setting.batch / times.median, "ms": 1000 * times.median}
    row |= {f"ms_p{percent}": 1000 * times.percentile(percent) for percent in (10, 25, 75, 90, 99)}
    row |= {"samples": len(times.seconds), "spread": times.spread, "settled": times.settled}
    if graph.macs is not None and setting.mode in _FLOPS:
        row["flops_per_s"] = _FLOPS[setting.mode] * graph.macs * setting.batch / times.median
    return row


def matrix_peak(engine: str, place: Place, precision: str) -> float:
    """The floating-point operations per second of the fastest product of two matrices, over several sizes."""
    peak = 0.0
    for size in _GPU_SIZES if place.device.startswith("gpu") else _CPU_SIZES:
        product = engines.get(engine).matrix_product(size, place.device, precision)
        times = measure(stopwatch(product), least=20, seconds=0.5)
        peak = max(peak, 2.0 * size**3 / min(times.seconds))
    return peak


def _measured(sample: Sample) -> Times:
    return measure(sample, window=_WINDOW, agree=_AGREE, warmups=_WARMUPS, least=LEAST, most=_MOST, seconds=_SECONDS)


class _Noise:
    """What disturbs a measurement: programs that use the cores, and a clock that heat lowers."""

    def __init__(self, device: str) -> None:
        self._load, self._throttled = OtherLoad(), throttling.watch(device)

    def columns(self) -> dict[str, Any]:
        """The columns `other_load` (cores that others used, on average) and `throttled`, since the start."""
        return {"other_load": round(self._load.cores(), 2), "throttled": self._throttled()}
