"""What a baseline changes in a sweep: the order of the trials, the kept design, and the number of seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..base.errors import unknown
from ..results import sequential
from ..results.columns import METRICS
from ..results.design import Design
from ..results.verdict import EXACT
from ..specs.experiment import DecideSpec, Experiment
from ..training.trial import Trial
from .progress import Progress
from .sweep import Sweep

if TYPE_CHECKING:
    import pandas as pd


def ordered(trials: tuple[Trial, ...], experiment: Experiment) -> tuple[Trial, ...]:
    """The trials in the order in which they run: seed by seed where variants are compared with a baseline.

    Then a sweep that is stopped has whole pairs, and the speeds of two variants were measured in turns.
    """
    if experiment.spec.baseline is None:
        return trials
    return tuple(sorted(trials, key=lambda trial: trial.seed))


def design(trials: Sequence[Trial], experiment: Experiment) -> Design | None:
    """What the verdicts on the experiment have to know; None if it names no baseline."""
    spec = experiment.spec
    if spec.baseline_name is None:
        return None
    others = {trial.variant for trial in trials} - {spec.baseline_name}
    return Design(spec.baseline_name, spec.decide or DecideSpec(), spec.auto, len(others))


def check_metric(experiment: Experiment) -> None:
    """Check that the verdicts are about a metric that the trials will have.

    Raises:
        LabError: They will not have it; or `seeds: auto` decides by a metric that is no accuracy and no loss.
    """
    spec = experiment.spec
    if spec.decide is None or spec.decide.metric == DecideSpec().metric:
        return
    known = [name for name in METRICS if any(word in name for word in ("accuracy", "loss", "top5"))]
    if not spec.auto:
        known = [*METRICS, *EXACT]
    if not spec.measure:
        known = [name for name in known if not name.startswith(("compute_", "infer_", "latency_"))]
    if spec.search is None and not any(point.data.validation for _, point in experiment.points()):
        known = [name for name in known if "val_" not in name]
    metric = spec.decide.metric
    if metric not in known:
        message = unknown("metric", metric, known)
        if metric in METRICS and "val_" in metric:
            message = f"the metric '{metric}' needs 'data.validation', the share of the images that is put aside for it"
        raise experiment.document.error(("decide", "metric"), message)


def run_auto(sweep: Sweep, trials: Sequence[Trial], experiment: Experiment, progress: Progress) -> pd.DataFrame:
    """Run seeds until the verdict on every variant is clear; see results/sequential.py.

    A variant whose verdict is clear gets no further seed; the baseline gets as many as the last variant needs.

    Args:
        sweep: runs those of the given trials that have no result yet, and returns a row for each.
        trials: a trial of every variant for each seed that may be needed.
        experiment: the experiment, with `baseline` and `decide`.
        progress: where the sweep is shown.

    Raises:
        LabError: No variant differs from the baseline.
    """
    spec = experiment.spec
    baseline, decide = spec.baseline_name, spec.decide
    assert baseline is not None
    assert decide is not None
    others = dict.fromkeys(trial.variant for trial in trials if trial.variant != baseline)
    if not others or all(trial.variant != baseline for trial in trials):
        raise experiment.document.error(
            ("baseline",), f"no variant is compared with {baseline}: they are the same network under several names"
        )
    seeds, going_on = dict.fromkeys(others, 0), list(others)
    for step in sequential.looks(decide.at_most):
        seeds |= dict.fromkeys([*going_on, baseline], step)
        table = sweep.run(tuple(trial for trial in trials if trial.seed < seeds[trial.variant]))
        found = sequential.verdicts(table, baseline, decide, len(others))
        going_on = [verdict.variant for verdict in found if verdict.word == "undecided"]
        if not going_on or sweep.is_over:
            break
        progress.note(f"undecided after {step} seeds: {', '.join(going_on)}")
    return table
