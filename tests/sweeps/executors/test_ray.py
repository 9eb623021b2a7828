"""Ray clusters: one that lasts as long as the run, and one of two machines, of which one is lost."""

import threading
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from resnet_lab import LabError
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.executors.cluster import need
from resnet_lab.sweeps.executors.ray import OnRay, fitting
from resnet_lab.sweeps.run import run
from tests.sweeps.executors.conftest import assert_same, parents
from tests.sweeps.test_run import Notes

ray = pytest.importorskip("ray", reason="Ray is not installed")


def sweep(*settings, address=None):
    notes = Notes()
    return run(load("e", settings), Path("results") / "e", notes, cluster=OnRay(address)), notes.lines


def ray_processes():
    """The processes of Ray that this process has started, such as its scheduler."""
    found = [process.name() for process in psutil.Process().children(recursive=True)]
    return [name for name in found if "ray" in name or "gcs_server" in name]


def test_a_cluster_of_its_own_gives_what_this_machine_gives_and_ends_with_the_run(tiny, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "192.0.2.1:6379")  # another person's cluster, which is not joined
    table, notes = sweep("seeds=2")
    assert table["status"].tolist() == ["ok"] * 2, table["reason"].tolist()
    assert not ray_processes()
    assert not ray.is_initialized()
    assert any(note.startswith("ray: a cluster of its own on this machine, 1 machine(s)") for note in notes)
    here = run(load("e", ["seeds=2"]), Path("here") / "e", Notes(), threads=1)
    assert_same("results", "here")
    assert here["test_loss"].tolist() == table["test_loss"].tolist()


@pytest.fixture
def two_machines():
    """A cluster of two machines, each with room for one trial; on one of them no driver runs."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield cluster, cluster.add_node(num_cpus=1)
    cluster.shutdown()


@pytest.mark.parametrize("seeds", [3, pytest.param(30, marks=pytest.mark.slow)])
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
