"""Calibrate this machine: time small networks, and measure the memory of some, so that any cost can be predicted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace

from ..base import child_process
from ..base.errors import LabError
from ..base.other_load import OtherLoad
from ..network.graph import Graph
from .calibration_networks import Sample, samples
from .cost_prediction import Calibration, Here, fitted
from .provenance import now
from .speed import Setting, ready
from .timing import measure
from .trial import Place

_MEMORY = (("basic", 16), ("bottleneck", 16), ("bottleneck", 64), ("pre-activation", 64), ("pre-activation", 192))
"""The networks whose memory is measured, and their batches; each in a process of its own."""

_SAMPLES = 20
"""The largest number of samples of a network; at least five are taken."""

_SECONDS = {"train": 0.25, "infer": 0.15}
"""About how long each network is measured after its warm-up."""

_DOUBTFUL, _ROUNDS = 0.2, 2
"""Networks whose times differ by more than this share from what the others predict are measured again, twice."""

OnSample = Callable[[int, int, str], None]
"""Called before each network is measured: its number from 1, how many there are, and its name."""


def calibrate(here: Here, on_sample: OnSample = lambda number, count, name: None) -> Calibration:
    """Measure this machine; about two minutes on two cores.

    Args:
        here: what to measure; cost_prediction.py finds it out.
        on_sample: called before each network.
    """
    start, load_of_others = time.perf_counter(), OtherLoad()
    todo = samples()
    known = {sample.name: sample for sample in todo}
    count = len(todo) + len(_MEMORY)
    times = {}
    for number, sample in enumerate(todo, 1):
        on_sample(number, count, sample.name)
        times[sample.name] = measured_times(here, sample)
    for _ in range(_ROUNDS):
        for name in _doubtful(times):
            on_sample(len(todo), count, f"{name}, again")
            again = measured_times(here, known[name])
            times[name] = (min(times[name][0], again[0]), min(times[name][1], again[1]))
    memory = []
    for number, (name, batch) in enumerate(_MEMORY, len(todo) + 1):
        on_sample(number, count, f"memory of {name}, batch {batch}")
        memory.append((name, batch, measured_memory(here, replace(known[name], batch=batch))))
    rows = [(name, *pair) for name, pair in times.items()]
    took, others = time.perf_counter() - start, load_of_others.cores()
    return Calibration(here, now(), round(took, 1), round(others, 2), rows, memory)


def _doubtful(times: Mapping[str, tuple[float, float]]) -> list[str]:
    """The networks whose times differ from what the others predict, in training or in inference.

    What disturbs a measurement makes it longer, so they are measured again, and the shorter time counts.
    """
    errors = [fitted({name: pair[mode] for name, pair in times.items()}).errors for mode in (0, 1)]
    return [name for name, *both in zip(times, *errors, strict=True) if max(map(abs, both)) > _DOUBTFUL]


def measured_times(here: Here, sample: Sample) -> tuple[float, float]:
    """The seconds of a training step of a network, and those of inference of a batch: medians."""
    train, infer = (_median(here, sample, mode) for mode in ("train", "infer"))
    return train, infer


def _median(here: Here, sample: Sample, mode: str) -> float:
    _, step = ready(sample.graph, _setting(here, sample, mode))
    return measure(step, window=2, most=_SAMPLES, seconds=_SECONDS[mode]).median


def _setting(here: Here, sample: Sample, mode: str) -> Setting:
    return Setting(here.engine, Place(here.device, here.compile, here.threads), here.precision, mode, sample.batch)


def measured_memory(here: Here, sample: Sample) -> int:
    """The peak memory in bytes of training a network, in a process of its own.

    Raises:
        LabError: The process ended without an answer.
    """
    message = {"here": asdict(here), "graph": sample.graph.to_json(), "batch": sample.batch}
    process = child_process.start(__name__, message, {"OMP_NUM_THREADS": str(here.threads)})
    assert process.stdout is not None
    answer = process.stdout.readline()
    process.communicate()
    if not answer:
        raise LabError(f"the memory of '{sample.name}' could not be measured: its process ended with an error")
    return int(json.loads(answer)["peak"])


def main() -> int:
    """Train a network for three steps in this process, and report its peak memory; `measured_memory` starts it."""
    message, report = child_process.receive()
    here = Here(**message["here"])
    sample = Sample("", Graph.from_json(message["graph"]), message["batch"])
    model, step = ready(sample.graph, _setting(here, sample, "train"))
    for _ in range(3):
        step()
    report({"peak": model.peak_memory()})
    return 0
