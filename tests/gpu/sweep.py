"""Stage `sweep`: `resnet-lab run` of three trials, killed and continued; and a trial that runs out of memory."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Any

from .job import Job
from .sweeps import finished, start, trials

THREE = """
variants: [cifar_resnet20]
data: {name: digits, size: 16, channels: 3}
train: {epochs: %d, batch_size: 64, optimizer: {name: sgd, lr: 0.05, momentum: 0.9}, schedule: cosine}
engine: torch
seeds: [0, 1, 2]
measure: false
"""

WIDE = """
input: 1x32x32
stem: {type: cifar, channels: 32768}
stages:
  - {block: basic, repeat: 1, channels: 16}
head: {classes: 10}
"""
"""The output of the first convolution of 1,400 images takes 188 GB: more than any one GPU has."""

TOO_LARGE = """
variants: [%s]
data: {name: digits, size: 32}
train: {epochs: 1, batch_size: 1400, optimizer: {name: sgd, lr: 0.01}}
engine: torch
compile: "off"
"""

HOST_LIMIT = 32 << 30
"""Bytes of address space for a trial on the CPU, so that it fails there too, however much memory the machine has."""


def run(job: Job) -> None:
    """Record a row about the sweep and one about the trial that is too large."""
    folder = job.folder / "sweep" / f"attempt{job.attempt}"
    folder.mkdir(parents=True)
    _killed_and_continued(job, folder)
    _out_of_memory(job, folder)


def _killed_and_continued(job: Job, folder: Path) -> None:
    """Kill the sweep when its first trial is done; the same command must keep that trial and run the others."""
    experiment = folder / "three.yaml"
    experiment.write_text(THREE % job.size(1, 5), encoding="utf-8")
    results = folder / "three"
    first = start(job, experiment, folder, ())
    next(trials(first, results))
    first.kill()
    first.wait()
    time.sleep(1)  # the worker of the next trial ends when its input ends
    before = finished(results)
    second = start(job, experiment, folder, ())
    ran = [name for name, _ in trials(second, results)]
    after = finished(results)
    kept = [name for name, row in before.items() if after[name] == row and name not in ran]
    statuses = sorted(str(row["status"]) for row in after.values())
    job.row(
        **{"what": "killed and continued", "trials": len(after), "before_the_kill": len(before), "kept": len(kept)},
        ran_after_it=len(ran),
        statuses=" ".join(statuses),
        test_accuracy=min(row.get("test_accuracy", 0.0) for row in after.values()),
        compile=next(iter(after.values()))["compile"],
        agrees=len(before) == len(kept) < 3 and len(kept) + len(ran) == 3 and statuses == ["ok"] * 3,
    )


def _out_of_memory(job: Job, folder: Path) -> None:
    """A trial that is too large must become a row with the status `out_of_memory`."""
    (folder / "wide.yaml").write_text(WIDE, encoding="utf-8")
    experiment = folder / "too_large.yaml"
    experiment.write_text(TOO_LARGE % (folder / "wide.yaml"), encoding="utf-8")
    options: dict[str, Any] = {"preexec_fn": _limit} if job.device == "cpu" else {}
    [(_, row)] = trials(start(job, experiment, folder, (), **options), folder / "too_large")
    job.row(
        what="too large",
        statuses=row["status"],
        reason=row["reason"],
        seconds=row["wall_s"],
        agrees=row["status"] == "out_of_memory",
    )


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (HOST_LIMIT, HOST_LIMIT))
