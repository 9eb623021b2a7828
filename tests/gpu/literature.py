"""Stage `literature`: published experiments through `resnet-lab run`, as many as the time allows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from resnet_lab.specs.workspace import shipped

from .job import Job
from .sweeps import record


@dataclass(frozen=True)
class Sweep:
    """An experiment to run.

    Attributes:
        experiment: its name.
        settings: settings such as `precision=bfloat16`.
        preset: one of its presets; '' for none.
        at_once: how many trials share the GPU.
        minutes: the longest time of one attempt at it; 0 for all the time that is left.
        published: the table of published figures to set beside its rows; '' for none.
    """

    experiment: str
    settings: tuple[str, ...] = ()
    preset: str = ""
    at_once: int = 1
    minutes: float = 0
    published: str = ""

    @property
    def all_settings(self) -> list[str]:
        """The settings, with the share of the GPU and the limit of time."""
        share = [f"resources.gpu={1 / self.at_once}"] if self.at_once > 1 else []
        limit = [f"limits.sweep={60 * self.minutes:g}s"] if self.minutes else []
        return [*self.settings, *share, *limit]


def _small(experiment: str) -> Sweep:
    """The small form of an experiment: trials of seconds, for which compiling would take longer than training."""
    return Sweep(experiment, ("compile=off",), "small", at_once=8, minutes=3)


SWEEPS = (
    _small("degradation"),
    Sweep("fashion_mnist", minutes=5, published="d2l_fashion_mnist"),
    *map(_small, ("blocks", "shortcuts", "preactivation", "stochastic_depth", "normalisation", "zero_init")),
    Sweep(*("cifar10_table6", ("precision=bfloat16", "measure=false"), "jpeg"), at_once=4, published="he2015_cifar10"),
)
"""In the order of their worth for the time that they take (docs/gpu.md)."""

TINY = (
    Sweep(
        "cifar10_jpeg",
        ("variants=[cifar_resnet20]", "data={name: digits, size: 16, channels: 3}", "train.epochs=1",
         "train.schedule={name: constant}", "measure=false"),
        published="he2015_cifar10",
    ),
)  # fmt: skip


def run(job: Job) -> None:
    """Run the experiments; a trial is a row as soon as it ends, and a later attempt goes on at a trial's checkpoint.

    Raises:
        RuntimeError: an experiment could not run, for example because its data is missing; the others ran.
    """
    problems = []
    for sweep in job.size(TINY, SWEEPS):
        figures = _published(sweep.published)

        def more(
            folder: Path, row: dict[str, Any], sweep: Sweep = sweep, figures: pd.DataFrame | None = figures
        ) -> dict[str, Any]:
            return {"experiment": sweep.experiment, "preset": sweep.preset, **beside(row, figures)}

        try:
            record(job, sweep.experiment, sweep.all_settings, more, preset=sweep.preset, jobs=sweep.at_once)
        except RuntimeError as error:
            job.row(experiment=sweep.experiment, problem=f"{error}; see literature.log")
            problems.append(sweep.experiment)
    if problems:
        raise RuntimeError(f"could not run: {', '.join(problems)}")


def beside(row: dict[str, Any], figures: pd.DataFrame | None) -> dict[str, Any]:
    """The published test accuracy of a trial's variant, and the data that it was published for.

    A figure for CIFAR-10 also stands beside trials on its JPEG copy, whose accuracies are lower. Where the table
    states the epochs, a trial has as many.
    """
    found = figures
    if found is not None:
        same_data = found["data"].map(lambda name: str(row.get("data")).removesuffix("-jpeg") == name)
        same_epochs = found["epochs"].isna() | (found["epochs"] == row.get("epochs"))
        found = found[(found["variant"] == row.get("variant")) & same_data & same_epochs]
    if found is None or found.empty:
        return {"published_test_accuracy": None, "published_data": None}
    [figure] = found.to_dict("records")
    return {"published_test_accuracy": figure["value"], "published_data": figure["data"]}


def _published(table: str) -> pd.DataFrame | None:
    """The published test accuracies of a table, with their variants, data and epochs; None without a table."""
    if not table:
        return None
    figures = pd.read_csv(shipped("reference", "results/reference") / f"{table}.csv")
    return figures[figures["metric"] == "test_accuracy"]
