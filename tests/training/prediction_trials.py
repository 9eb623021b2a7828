"""Compare predicted costs with measured ones, for published variants that no calibration measures.

    python -m tests.training.prediction_trials times torch FILE.csv
    python -m tests.training.prediction_trials memory torch FILE.csv

The first command calibrates the machine, measures the training steps of every variant, and writes both times; nothing
else may run on the machine meanwhile. The second measures the peak memory of every variant in a process of its own, and
compares it with the prediction of the calibration that the first command has kept.
"""

from __future__ import annotations

import csv
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from resnet_lab import engines
from resnet_lab import graph as variant_graph
from resnet_lab.base import hardware
from resnet_lab.base.other_load import OtherLoad
from resnet_lab.training.calibration import calibrate, measured_memory, measured_times
from resnet_lab.training.calibration_networks import Sample
from resnet_lab.training.cost_prediction import Here, load, this_machine
from resnet_lab.training.provenance import now

IMAGENET = (
    "resnet18 resnet34 resnet50 resnet101 resnet18_v2 resnet50_v1b resnet50_v1d resnet50_v1e resnet50_v2 plain34 "
    "resnext50_32x4d resnext101_32x4d se_resnet18_v1 se_resnet50_v1 se_resnext50_32x4d"
).split()
"""Measured on images 3x64x64, 16 in a batch."""

CIFAR = "cifar_resnet20 cifar_resnet20_v2 cifar_resnet56 cifar_resnet56_v1 cifar_resnet110 preact_resnet110".split()
"""Measured on images 3x32x32, 64 in a batch."""

HEAVY = "preact_resnet164 cifar_resnext29_32x4d cifar_wideresnet16_10".split()
"""Measured on images 3x32x32, 16 in a batch."""


SECONDS = 130.0
"""Until how long after the first measurement of a variant variants are measured a second time."""


def variants() -> Iterator[Sample]:
    """The variants with their input and batch."""
    for names, size, batch in ((IMAGENET, 64, 16), (CIFAR, 32, 64), (HEAVY, 32, 16)):
        for name in names:
            yield Sample(name, variant_graph(name, (3, size, size)), batch)


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's rank correlation of numbers without ties."""
    ranks = [np.argsort(np.argsort(values)) for values in (first, second)]
    return float(np.corrcoef(*ranks)[0, 1])


def summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """The median and the largest relative error, and the rank correlation."""
    errors = [abs(row["predicted"] / row["measured"] - 1) for row in rows]
    rank = rank_correlation(*([row[key] for row in rows] for key in ("predicted", "measured")))
    within = sum(error <= 0.2 for error in errors)
    return (
        f"{len(rows)} variants: median error {statistics.median(errors):.1%}, largest {max(errors):.1%}, "
        f"{within} within 20 %, rank correlation {rank:.3f}"
    )


def _row(here: Here, sample: Sample, quantity: str, measured: float, predicted: float) -> dict[str, Any]:
    return {
        "variant": sample.name,
        "input": "x".join(map(str, sample.graph.input)),
        "batch_size": sample.batch,
        "quantity": quantity,
        "measured": round(measured, 2),
        "predicted": round(predicted, 2),
        "error": round(predicted / measured - 1, 4),
        "engine": here.engine,
        "version": here.version,
        "device": here.device,
        "threads": here.threads,
        "compile": here.compile,
        "processor": here.hardware,
        "revision": hardware.revision(),
        "measured_at": now(),
    }


def times(here: Here) -> list[dict[str, Any]]:
    """Calibrate, and measure the images a second of every variant in training and in inference.

    Every variant is measured once, and again if there is time; the shorter median counts.
    """
    found = calibrate(here)
    found.save()
    print(f"calibrated in {found.took_s} s; others used {found.other_load} cores", flush=True)
    others = OtherLoad()
    start = time.perf_counter()
    measured: dict[str, list[tuple[float, float]]] = {}
    for sample in [*variants(), *variants()]:
        if sample.name not in measured or time.perf_counter() - start < SECONDS:
            measured.setdefault(sample.name, []).append(_measured(here, sample))
    load, rows = round(others.cores(), 2), []
    for sample in variants():
        predicted = found.predict(sample.graph, sample.batch)
        images_per_s = {"train": predicted.train_images_per_s, "infer": predicted.infer_images_per_s}
        for index, mode in enumerate(images_per_s):
            fastest = sample.batch / min(times[index] for times in measured[sample.name])
            row = _row(here, sample, f"{mode}_images_per_s", fastest, images_per_s[mode])
            print(row["variant"], row["quantity"], row["measured"], row["predicted"], row["error"])
            rows.append({**row, "other_load": load})
    return rows


def _measured(here: Here, sample: Sample) -> tuple[float, float]:
    train, infer = measured_times(here, sample)
    print(f"{sample.name}: {train:.4f} s a training step, {infer:.4f} s an inference", flush=True)
    engines.get(here.engine).clean_up()
    return train, infer


def memory(here: Here) -> list[dict[str, Any]]:
    """Measure the peak memory of every variant, in MiB."""
    found = load(here)
    rows = []
    for sample in variants():
        measured = measured_memory(here, sample)
        predicted = found.predict(sample.graph, sample.batch).peak_bytes
        rows.append(_row(here, sample, "peak_memory_mb", measured / 2**20, predicted / 2**20))
        print(sample.name, rows[-1]["measured"], rows[-1]["predicted"], rows[-1]["error"], flush=True)
    return rows


def main(what: str, engine: str, file: str) -> None:
    """Run one of the two comparisons, write its rows and print its summary."""
    rows = {"times": times, "memory": memory}[what](this_machine(engine))
    with Path(file).open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for quantity in dict.fromkeys(row["quantity"] for row in rows):
        print(f"{quantity}: {summary([row for row in rows if row['quantity'] == quantity])}")


if __name__ == "__main__":
    main(*sys.argv[1:])
