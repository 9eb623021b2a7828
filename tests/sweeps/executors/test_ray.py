"""Ray clusters: one that lasts as long as the run, and one of two machines, of which one is lost."""

import re
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from resnet_lab import LabError
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.executors.choice import choose
from resnet_lab.sweeps.executors.cluster import need
from resnet_lab.sweeps.executors.ray import OnRay, fitting
from resnet_lab.sweeps.run import run
from tests.sweeps.executors.conftest import assert_same, parents
from tests.sweeps.pretending import Notes


@pytest.fixture
def ray():
    """Ray's module; this process is connected to no cluster before and after the test."""
    module = pytest.importorskip("ray", reason="Ray is not installed")
    yield module
    assert not module.is_initialized()


def sweep(*settings, address=None):
    notes = Notes()
    return run(load("e", settings), Path("results") / "e", notes, cluster=OnRay(address)), notes.lines


def ray_processes():
    """The processes of Ray that this process has started, such as its scheduler."""
    found = [process.name() for process in psutil.Process().children(recursive=True)]
    return [name for name in found if "ray" in name or "gcs_server" in name]


@pytest.mark.slow
def test_a_cluster_of_its_own_gives_what_this_machine_gives_and_ends_with_the_run(tiny, ray, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "192.0.2.1:6379")  # another person's cluster, which is not joined
    table, notes = sweep("seeds=2")
    assert table["status"].tolist() == ["ok"] * 2, table["reason"].tolist()
    assert not ray_processes()
    assert any(note.startswith("ray: a cluster of its own on this machine, 1 machine(s)") for note in notes)
    here = run(load("e", ["seeds=2"]), Path("here") / "e", Notes(), threads=1)
    assert_same("results", "here")
    assert here["test_loss"].tolist() == table["test_loss"].tolist()


@pytest.mark.slow
def test_a_trial_that_hangs_and_a_worker_that_is_killed_are_rows(tiny, ray):
    table, _ = sweep("grid={data.trouble: [none, hangs, killed]}", "limits={trial: 40s, retries: 0}")
    assert table["status"].tolist() == ["ok", "timed_out", "failed"]
    assert "killed by signal 9" in table["reason"][2]
    assert not ray_processes()


@pytest.fixture
def two_machines(ray):
    """A cluster of two machines, each with room for one trial; on one of them no driver runs."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield cluster, cluster.add_node(num_cpus=1)
    cluster.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 30])
def test_a_machine_that_is_lost_costs_its_trial_one_retry(tiny, two_machines, seeds):
    cluster, machine = two_machines

    def lose():
        parents(tiny, 2)
        cluster.remove_node(machine, allow_graceful=False)

    thread = threading.Thread(target=lose)
    thread.start()
    table, notes = sweep(f"seeds={seeds}", "data.trouble=slow", address=cluster.address)
    thread.join()
    assert table["status"].tolist() == ["ok"] * seeds, table["reason"].tolist()
    assert table["seed"].tolist() == list(range(seeds))
    assert len([note for note in notes if note.endswith("it is tried again")]) == 1
    assert len(parents(tiny)) == seeds + 1
    logs = [(path / "log.txt").read_text() for path in (tiny / "results" / "e" / "trials").iterdir()]
    assert all("file /" in text and str(tiny / "own") not in text for text in logs)
    assert {process.name() for process in psutil.process_iter() if "RayWorker" in process.name()} == set()


def node(cpus, gpus=0, alive=True):
    return {"Alive": alive, "Resources": {"CPU": cpus, "memory": 1.0} | ({"GPU": gpus} if gpus else {})}


@pytest.mark.parametrize(
    ("nodes", "threads", "gpus", "count"),
    [
        ([node(4), node(3), node(8, alive=False)], 2, 0, 3),
        ([node(4, 1), node(4)], 1, 1, 1),
        ([node(8, 2)], 1, 0.25, 8),
        ([node(3, 1)], 1, 0.25, 3),
        ([node(8, 3)], 1, 2, 1),
        ([node(2)], 4, 0, 0),
        ([{"Alive": True, "Resources": {}}], 1, 0, 0),
    ],
)
def test_how_many_trials_fit(tiny, nodes, threads, gpus, count):
    assert fitting(nodes, replace(need(load("e")), threads=threads, gpus=gpus)) == count


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["resources={cpu: 9}"], "has the 9 CPU(s) that a trial needs"),
        (["device=gpu:0,1"], "has the 1 CPU(s) and 2 GPU(s) that a trial needs"),
        (["resources={cpu: 9, gpu: 0.5}"], "has the 9 CPU(s) and 0.5 GPU(s) that a trial needs"),
    ],
)
def test_a_trial_that_fits_no_machine_leaves_the_cluster(tiny, monkeypatch, settings, told):
    left = []
    gpus = 1 if "gpu" in told.lower() else 0
    cluster = SimpleNamespace(nodes=lambda: [node(2, gpus), node(8, gpus)], shutdown=lambda: left.append(True))
    monkeypatch.setattr("resnet_lab.sweeps.executors.ray._connected", lambda address: cluster)
    with pytest.raises(LabError, match=re.escape(f"no machine of the Ray cluster {told}")):
        sweep(*settings)
    assert left


@pytest.mark.slow
def test_the_connection_of_another_program_is_left_alone(tiny, ray, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(ray, "is_initialized", lambda: True)
        with pytest.raises(LabError, match="this process is connected to a Ray cluster already"):
            sweep()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("127.0.0.1:9", "the Ray cluster at 127.0.0.1:9 cannot be used: .*refused"),
        ("head", "--ray takes HOST:PORT, auto, or nothing, not 'head'"),
        ("ray://head:10001/x", "--ray takes HOST:PORT, auto, or nothing, not 'ray://head:10001/x'"),
    ],
)
def test_a_cluster_that_is_not_there(tiny, ray, address, told):
    with pytest.raises(LabError, match=told):
        sweep(address=address)


def test_ray_is_not_installed(tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(LabError, match=r"--ray needs Ray: pip install 'resnet-lab\[ray\]'"):
        sweep()


def test_the_cluster_that_a_person_asks_for():
    assert choose("local", None) == OnRay(None)
    assert choose("10.0.0.1:6379", None) == OnRay("10.0.0.1:6379")
