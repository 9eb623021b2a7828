"""trackio: runs in its own store, read back by trackio."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("trackio", reason="trackio is not installed: it is tested with Python 3.11 to 3.13")

CODE = """
import json, sys
from pathlib import Path
from resnet_lab.results.trackers import TrackedTrial
from resnet_lab.results.trackers.trackio import Trackio

tracker = Trackio(Path("my_sweep"))
for name in ("a", "b"):
    tracker.begin(TrackedTrial(name, "net", {"lr": 0.1}))
for epoch, loss in ((1, 2.0), (2, 1.0)):
    for name in ("a", "b"):
        tracker.epoch(name, epoch, {"train_loss": loss + (name == "b")})
tracker.end("a", "ok", 2, {"test_accuracy": 0.7})
tracker.close()
from trackio import Api, SQLiteStorage
runs = {run.name: run.config["lr"] for run in Api().runs("my_sweep")}
rows = {name: SQLiteStorage.get_logs("my_sweep", name) for name in runs}
print(json.dumps([runs, rows], default=str))
"""


def test_runs_are_read_back(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path))  # which trackio reads when it is imported
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    # trackio prints a line of its own at the exit
    runs, rows = json.loads(done.stdout.splitlines()[0])
    assert runs == {"net a": 0.1, "net b": 0.1}
    assert [(row["step"], row["train_loss"]) for row in rows["net b"]] == [(1, 3.0), (2, 2.0)]
    assert rows["net a"][-1]["trial/test_accuracy"] == 0.7
