"""MLflow: a run for each trial, in an SQLite file of the results folder or on a server."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...base.errors import LabError
from .registry import TrackedTrial, tracker

_TRIAL = "resnet_lab.trial"
"""The tag of a run that holds the trial's id."""

_ENDED = {"ok": "FINISHED", "stopped": "KILLED"}
"""How MLflow calls the ends of a trial; every other end is FAILED."""

_LONGEST = 500
"""MLflow refuses longer values of parameters in some of its stores."""

_AT_ONCE = 100
"""MLflow takes at most this many parameters in one call."""


@tracker("mlflow", package="mlflow")
class MLflow:
    """Runs that `mlflow ui --backend-store-uri sqlite:///RESULTS/mlflow.db` shows.

    Args:
        folder: the results folder of the experiment; its name is the name of MLflow's experiment.
        uri: the store, such as `sqlite:///runs.db` or `http://HOST:5000`; the file mlflow.db of the folder if None.
    """

    def __init__(self, folder: Path, *, uri: str | None = None) -> None:
        if uri is not None and "://" not in uri:  # MLflow 3.13 and later keep no runs in a bare folder
            raise LabError(f"'uri' is written as sqlite:///FILE or http://HOST:PORT, not '{uri}'")
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._client = MlflowClient(tracking_uri=uri or f"sqlite:///{(folder / 'mlflow.db').resolve()}")
        known = self._client.get_experiment_by_name(folder.name)
        artifacts = None if uri else (folder / "mlflow-artifacts").resolve().as_uri()
        self._experiment: str = (
            known.experiment_id if known else self._client.create_experiment(folder.name, artifact_location=artifacts)
        )
        self._runs: dict[str, str] = {}

    def begin(self, trial: TrackedTrial) -> None:
        """Make a run with the settings as parameters; a trial that goes on gets back its run."""
        from mlflow.entities import Param

        mine = f"tags.`{_TRIAL}` = '{trial.id}' and attributes.status != 'FINISHED'"
        for run in self._client.search_runs([self._experiment], mine, max_results=1):
            self._runs[trial.id] = run.info.run_id
            self._client.update_run(run.info.run_id, "RUNNING")
            return
        made = self._client.create_run(self._experiment, run_name=trial.title, tags={_TRIAL: trial.id})
        self._runs[trial.id] = made.info.run_id
        settings = [Param(key, str(value)[:_LONGEST]) for key, value in trial.settings.items() if value is not None]
        for start in range(0, len(settings), _AT_ONCE):
            self._client.log_batch(made.info.run_id, params=settings[start : start + _AT_ONCE])

    def epoch(self, trial: str, epoch: int, figures: Mapping[str, float]) -> None:
        """Write the figures of an epoch as metrics."""
        self._log(trial, epoch, figures)

    def end(self, trial: str, status: str, epoch: int, figures: Mapping[str, float]) -> None:
        """Write the figures of the whole trial, and end its run."""
        self._log(trial, epoch, figures)
        self._client.set_tag(self._runs[trial], "resnet_lab.status", status)
        self._client.set_terminated(self._runs.pop(trial), _ENDED.get(status, "FAILED"))

    def _log(self, trial: str, epoch: int, figures: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        metrics: list[Any] = [Metric(name, value, now, epoch) for name, value in figures.items()]
        self._client.log_batch(self._runs[trial], metrics=metrics)

    def close(self) -> None:
        """Mark the runs of trials that have not ended as killed."""
        for run in self._runs.values():
            self._client.set_terminated(run, "KILLED")
