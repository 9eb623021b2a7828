"""An actor of Ray without Ray: what it sends back, and where its trial runs."""

import json
import os
from pathlib import Path

import pytest

from resnet_lab import engines
from resnet_lab.base import hardware
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.executors import Work
from resnet_lab.sweeps.executors.cluster import need
from resnet_lab.sweeps.executors.parcel import own_files
from resnet_lab.sweeps.executors.ray_worker import RayWorker
from resnet_lab.sweeps.plan import plan
from resnet_lab.training import loop
from resnet_lab.training.trial import Place
from resnet_lab.weights import safetensors


@pytest.fixture
def worker():
    made = RayWorker(1, {})
    yield made
    made.close()
    assert not Path(made._temporary.name).exists()


@pytest.fixture
def work(tiny):
    def of(*settings):
        experiment = load("e", settings)
        [trial] = plan(experiment).trials
        return Work(trial, tiny / "home", need(experiment).place, False, "")

    return of


def sent(worker, work, kept):
    own = own_files(work.trial)
    return list(worker.run(work.to_json(), kept, list(map(str, own)), *(path.read_bytes() for path in own)))


def test_it_sets_the_variables_that_its_machine_does_not_set(monkeypatch):
    """A variable that `monkeypatch` has set is taken back after the test, whatever the worker did to it."""
    for name in ("RESNET_LAB_DATA", "RESNET_LAB_OFFLINE"):
        monkeypatch.setenv(name, "/here")
    del os.environ["RESNET_LAB_OFFLINE"]
    RayWorker(1, {"RESNET_LAB_DATA": "/there", "RESNET_LAB_OFFLINE": "1"}).close()
    assert os.environ["RESNET_LAB_DATA"] == "/here"
    assert os.environ["RESNET_LAB_OFFLINE"] == "1"


def test_the_files_of_a_trial_come_back(worker, work):
    found = sent(worker, work(), {"log.txt": b"before\n"})
    assert [content["event"] for content, _ in found if content["event"] != "step"] == [
        "started",
        "epoch",
        "epoch",
        "ended",
    ]
    arrived: dict[str, bytes] = {}
    for content, files in found:  # a trial may have trained on when a report of it is read
        arrived |= files
        if content["event"] == "epoch":
            assert len(json.loads(arrived["epochs.json"])) >= content["epoch"]
    content, files = found[-1]
    assert content["status"] == ""
    names = {"result.json", "epochs.json", "weights.safetensors", "test.npz", "log.txt"}
    assert set(content["files"]) == names
    assert "result.json" in files
    all_files = {name: kept for _, files in found for name, kept in files.items()}
    assert names <= set(all_files) <= names | {"checkpoint.safetensors"}
    assert all_files["log.txt"].startswith(b"before\n")
    place = all_files["log.txt"].split(b"file ")[1].split(b"\n")[0].decode()
    assert place.startswith(worker._temporary.name)
    assert sorted(path.name for path in Path(worker._temporary.name).iterdir()) == ["own"]


def test_a_death_names_the_log_of_the_person(worker, work, tiny):
    [*_, (content, files)] = sent(worker, work("data.trouble=killed"), {})
    assert content["status"] == "failed"
    assert content["reason"].endswith(f"see {tiny / 'home' / 'log.txt'}")
    assert "result.json" not in files


def test_a_trial_goes_on_from_the_checkpoint_that_it_took_along(worker, work, tmp_path):
    """Its machine was lost in the second of two epochs; the weights are those of an undisturbed trial, bit for bit."""
    if hardware.threads_in_use() > 1:
        pytest.skip("this process computes with several threads and the worker with one, which rounds sums differently")
    trial = work().trial

    def lost(event):
        if event["event"] == "epoch" and event["epoch"] == 2:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        loop.run(trial, Place("cpu", engines.get(trial.engine).default_compile_mode, 1), tmp_path, False, lost)
    kept = {name: (tmp_path / name).read_bytes() for name in ("checkpoint.safetensors", "epochs.json")}
    reports = [sent(worker, work(), some) for some in (kept, {})]
    assert [[content["epochs"] for content, _ in found if content["event"] == "resumed"] for found in reports] == [
        [1],
        [],
    ]
    weights = []
    for found in reports:
        (tmp_path / "weights.safetensors").write_bytes(found[-1][1]["weights.safetensors"])
        weights.append(safetensors.load(tmp_path / "weights.safetensors"))
    assert all(weights[0][name].tobytes() == weights[1][name].tobytes() for name in weights[1])
