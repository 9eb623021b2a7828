"""MLflow: runs in an SQLite store, read back by MLflow's own client."""

import importlib.util

import pytest

from resnet_lab import LabError
from resnet_lab.results.trackers import TrackedTrial
from resnet_lab.results.trackers.mlflow import MLflow

needs_mlflow = pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="mlflow is not installed")


def test_a_bare_folder_is_refused(tmp_path):
    with pytest.raises(LabError, match="'uri' is written as sqlite:///FILE or http://HOST:PORT, not './mlruns'"):
        MLflow(tmp_path, uri="./mlruns")


@needs_mlflow
@pytest.mark.slow  # MLflow needs 10 s for its import and the tables of a new store
def test_runs_are_read_back_and_a_trial_goes_on_in_its_run(tmp_path, play, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "my_sweep"
    folder.mkdir()
    play(MLflow(folder))
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
    mine = client.get_experiment_by_name("my_sweep").experiment_id
    runs = {run.data.tags["resnet_lab.trial"]: run for run in client.search_runs([mine])}
    done = runs["0123456789ab"]
    history = client.get_metric_history(done.info.run_id, "val_accuracy")
    assert [(metric.step, metric.value) for metric in history] == [(1, 0.5), (2, 0.75)]
    assert (done.info.status, done.data.params["lr"], done.data.metrics["test_accuracy"]) == ("FINISHED", "0.1", 0.7)
    assert runs["ba9876543210"].info.status == "KILLED"
    again = MLflow(folder)
    again.begin(TrackedTrial("ba9876543210", "net", {}))
    again.epoch("ba9876543210", 2, {"train_loss": 8.0})
    again.end("ba9876543210", "ok", 2, {})
    assert [run.data.metrics["train_loss"] for run in client.search_runs([mine])] == [8.0, 1.0]
    assert [path.name for path in tmp_path.iterdir()] == ["my_sweep"]  # and no folder mlruns
