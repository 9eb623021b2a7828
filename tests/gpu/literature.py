"""Stage `literature`: published experiments through `resnet-lab run`, as many as the time allows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from resnet_lab.specs.workspace import shipped

from .job import Job
from .sweeps import record

SWEEPS = (("cifar10_jpeg", ("precision=bfloat16",), "he2015_cifar10"), ("depth_sweep", (), ""))
"""Experiments, their settings, and the table of published figures to set beside them."""

TINY = (
    ("cifar10_jpeg", ("variants=[cifar_resnet20]", "data={name: digits, size: 16, channels: 3}", "train.epochs=1",
                      "train.schedule={name: constant}", "measure=false"), "he2015_cifar10"),
)  # fmt: skip


def run(job: Job) -> None:
    """Run the experiments; a trial is a row as soon as it ends, and a later attempt goes on at a trial's checkpoint.

    Raises:
        RuntimeError: an experiment could not run, for example because its data is missing; the others ran.
    """
    problems = []
    for name, settings, table in job.size(TINY, SWEEPS):
        figures = _published(table)

        def beside(folder: Path, row: dict[str, Any], figures: dict[str, float] = figures) -> dict[str, Any]:
            is_cifar = str(row.get("data")).startswith("cifar10")
            return {"published_test_accuracy": figures.get(row["variant"]) if is_cifar else None}

        try:
            record(job, name, settings, beside)
        except RuntimeError as error:
            job.row(experiment=name, problem=f"{error}; see literature.log")
            problems.append(name)
    if problems:
        raise RuntimeError(f"could not run: {', '.join(problems)}")


def _published(table: str) -> dict[str, float]:
    """Published test accuracies by variant; empty without a table."""
    if not table:
        return {}
    figures = pd.read_csv(shipped("reference", "results/reference") / f"{table}.csv")
    figures = figures[figures["metric"] == "test_accuracy"]
    return dict(zip(figures["variant"], figures["value"], strict=True))
