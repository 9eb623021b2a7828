"""What an experiment said about its comparison before it ran, and the verdicts that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from ..base.errors import LabError
from ..base.files import read_json, write_json
from ..specs.experiment import DecideSpec
from . import images, sequential, store, verdict
from .verdict import Verdict

DESIGN = "design.json"
"""The file in the results folder of an experiment that has a `baseline`."""

_KEPT = 512
"""The outcomes of this many trials' test images stay in memory."""


@dataclass(frozen=True)
class Design:
    """How the variants of an experiment are compared.

    Attributes:
        baseline: the variant with which the others are compared.
        decide: the metric, the smallest difference that matters, the confidence and the largest number of seeds.
        auto: whether the verdicts choose the seeds, so that they rest on the looks of the group-sequential design.
        variants: the number of variants beside the baseline.
    """

    baseline: str
    decide: DecideSpec
    auto: bool
    variants: int


def keep(folder: Path, design: Design | None) -> None:
    """Write the design of an experiment into its results folder; None removes an older one."""
    if design is None:
        (folder / DESIGN).unlink(missing_ok=True)
    else:
        write_json(folder / DESIGN, asdict(design) | {"decide": design.decide.model_dump(mode="json")})


def read(folder: Path) -> Design | None:
    """Read the design that `keep` wrote; None where there is none, or where the file is damaged."""
    try:
        values: dict[str, Any] = read_json(folder / DESIGN)
        return Design(**values | {"decide": DecideSpec.model_validate(values["decide"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def judge(
    table: pd.DataFrame,
    paths: Sequence[Path],
    baseline: str | None = None,
    metrics: Sequence[str] | None = None,
    smallest: Mapping[str, float] | None = None,
    confidence: float | None = None,
) -> list[Verdict]:
    """Judge the variants of results folders, by the design that their experiment was run with.

    Args:
        table: the rows of the folders.
        paths: results folders, or `.csv` files; the test images that the trials of the folders kept are used.
        baseline: the variant with which the others are compared; that of the experiment if None.
        metrics: columns of results; if None, `verdict.METRICS`, and before them the experiment's own metric.
        smallest: for a metric the difference that would matter; that of the experiment if None.
        confidence: of the intervals; that of the experiment, or 0.95, if None.

    Raises:
        LabError: As `verdict.verdicts`; or there is no baseline, or a sweep with `seeds: auto` is asked for another
            smallest difference or confidence than the one by which it was stopped.
    """
    design = read(paths[0]) if len(paths) == 1 else None
    if design is None or baseline not in (None, design.baseline):
        if baseline is None:
            raise LabError("the results name no baseline: write 'baseline' in the experiment, or give --baseline")
        design = Design(baseline, DecideSpec(), auto=False, variants=0)
    decide = design.decide
    if metrics is None and decide.metric not in verdict.METRICS:
        metrics = (decide.metric, *(name for name in verdict.METRICS if name in table))
    limits = ({} if decide.smallest is None else {decide.metric: decide.smallest}) | dict(smallest or {})
    sure = decide.confidence if confidence is None else confidence
    if design.auto and (limits.get(decide.metric), sure) != (decide.smallest, decide.confidence):
        raise LabError(
            f"the sweep was stopped by 'decide' in its experiment, so its verdict on {decide.metric} holds for that "
            "smallest difference and that confidence alone"
        )
    kept = lru_cache(_KEPT)(lambda trial: _images(trial, paths))  # the baseline's trials are in every pair
    found = verdict.verdicts(table, design.baseline, metrics, limits, sure, kept)
    if not design.auto:
        return found
    decided = {one.variant: one for one in sequential.verdicts(table, design.baseline, decide, design.variants)}
    return [
        replace(decided[one.variant], image_noise=one.image_noise) if one.metric == decide.metric else one
        for one in found
    ]


def _images(trial: str, paths: Sequence[Path]) -> images.ImageOutcomes | None:
    """What a trial kept of its test images, in the first of the folders that has it."""
    found = (store.test_images(path, trial) for path in paths if path.is_dir())
    return next((one for one in found if one is not None), None)
