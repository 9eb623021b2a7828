"""An actor of Ray without Ray: what it sends back, and where its trial runs."""

from pathlib import Path

import pytest

from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.executors import Work
from resnet_lab.sweeps.executors.cluster import need
from resnet_lab.sweeps.executors.parcel import own_files
from resnet_lab.sweeps.executors.ray_worker import RayWorker
from resnet_lab.sweeps.plan import plan


@pytest.fixture
def worker():
    made = RayWorker(1, {"RESNET_LAB_OFFLINE": "1"})
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


def sent(worker, work):
    own = own_files(work.trial)
    return list(
        worker.run(work.to_json(), {"log.txt": b"before\n"}, list(map(str, own)), *(p.read_bytes() for p in own))
    )


def test_the_files_of_a_trial_come_back(worker, work, monkeypatch):
    monkeypatch.setenv("RESNET_LAB_OFFLINE", "0")
    found = sent(worker, work())
    assert [content["event"] for content, _ in found if content["event"] != "step"] == [
        "started",
        "epoch",
        "epoch",
        "ended",
    ]
    assert all("epochs.json" in files for content, files in found if content["event"] == "epoch")
    content, files = found[-1]
    assert content["status"] == ""
    names = {"result.json", "epochs.json", "weights.safetensors", "test.npz", "log.txt"}
    assert set(content["files"]) == names
    assert "result.json" in files
    all_files = {name: kept for _, files in found for name, kept in files.items()}
    assert set(all_files) == names
    assert all_files["log.txt"].startswith(b"before\n")
    place = all_files["log.txt"].split(b"file ")[1].split(b"\n")[0].decode()
    assert place.startswith(worker._temporary.name)
    assert sorted(path.name for path in Path(worker._temporary.name).iterdir()) == ["own"]


def test_a_death_names_the_log_of_the_person(worker, work, tiny):
    [*_, (content, files)] = sent(worker, work("data.trouble=killed"))
    assert content["status"] == "failed"
    assert content["reason"].endswith(f"see {tiny / 'home' / 'log.txt'}")
    assert "result.json" not in files
