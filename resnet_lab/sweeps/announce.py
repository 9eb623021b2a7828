"""Writes down which trials a sweep is to run, so that `resnet-lab status` knows those that have not begun."""

from __future__ import annotations

import time
from collections.abc import Container, Sequence
from dataclasses import replace
from pathlib import Path

from ..base.errors import LabError
from ..results import plan_file
from ..results.plan_file import PlannedTrial, SweepPlan
from ..results.store import Store
from ..results.trial_folder import DONE
from ..specs.experiment import Experiment
from ..training.checkpoint import CHECKPOINT
from ..training.trial import Trial
from ..weights import safetensors


def announce(experiment: Experiment, trials: Sequence[Trial], store: Store, fresh: bool) -> None:
    """Write the plan of a sweep into its results folder when the sweep begins.

    Args:
        experiment: the experiment.
        trials: its trials; with `seeds: auto`, all that may be needed.
        store: the results that are there already.
        fresh: whether trials that have a result run anew.
    """
    planned = {
        trial.id: PlannedTrial(
            trial.title, trial.graph.macs or trial.graph.params, trial.train.epochs, _trained(trial, store, fresh)
        )
        for trial in trials
    }
    plan_file.keep(store.folder, SweepPlan(experiment.name, time.time(), experiment.spec.auto, fresh, planned))


def settle(folder: Path, run: Container[str]) -> None:
    """Leave only the trials `run` in the plan, after the verdicts have decided that no other trial is needed."""
    plan = plan_file.read(folder)
    kept = {name: trial for name, trial in plan.trials.items() if name in run}
    plan_file.keep(folder, replace(plan, at_most=False, trials=kept))


def _trained(trial: Trial, store: Store, fresh: bool) -> int:
    """The number of epochs of a trial that need not be trained again: all, or those of its checkpoint."""
    if fresh:
        return 0
    if store.status(trial.id) in DONE:
        return trial.train.epochs
    checkpoint = store.folder / "trials" / trial.id / CHECKPOINT
    try:
        return int(safetensors.metadata(checkpoint)["epochs"]) if checkpoint.is_file() else 0
    except (LabError, OSError, ValueError, KeyError):  # it is damaged, so the trial begins anew
        return 0
