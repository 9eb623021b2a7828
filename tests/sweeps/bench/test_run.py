"""Measurements of speed: their order, the rows, and what becomes of those that fail."""

import json
from dataclasses import replace

import pytest

from resnet_lab import LabError, engines
from resnet_lab.base import child_process
from resnet_lab.sweeps.bench.plan import plan
from resnet_lab.sweeps.bench.run import _process, rows, run
from tests.conftest import any_engine

SMALL = {"input": (3, 8, 8), "engine": ["nothing"]}
TIMES = {"ms": 10.0, "images_per_s": 400.0, "spread": 0.02, "settled": True, "other_load": 0.1, "throttled": False}


@pytest.fixture(autouse=True)
def nothing(monkeypatch):
    """The engine that computes nothing."""
    monkeypatch.setattr(engines, "_ADDED", {})
    engines.add("nothing", "tests.engines.nothing")


class Machine:
    """Answers orders as the measuring process does; `answers` replaces those of a kind, or of a kind and a network."""

    def __init__(self, **answers):
        self.answers, self.orders = answers, []

    def __call__(self, order):
        order = json.loads(json.dumps(order))
        names = [network["name"] for network in order["networks"]]
        self.orders.append((order["kind"], *names, order["settings"][0]["batch"]))
        for key in (f"{order['kind']}_{names[-1]}", order["kind"]):
            if key in self.answers:
                return dict(self.answers[key])
        if order["kind"] == "peak":
            return {"flops_per_s": 2e9}
        if order["kind"] == "turns":
            seconds = [[0.01] * 40, [0.02] * 40]
            return {"status": "ok", "seconds": seconds, "rows": [TIMES, TIMES | {"ms": 20.0, "flops_per_s": 1e9}]}
        row = {"status": "ok", "warning": "", "macs": 5, "peak_memory_mb": 100.0}
        row |= {"latency_ms": 3.0} if order["latency"] else {}
        return row | (TIMES | {"flops_per_s": 1e9} if order["timed"] else {})


def measured(machine, *variants, **choices):
    (job,) = plan(variants, **{**SMALL, **choices})
    return list(rows(job, machine))


def test_a_single_network_is_timed_alone():
    machine = Machine()
    (row,) = measured(machine, "cifar_resnet20", batch_size=[4])
    assert machine.orders == [("peak", "cifar_resnet20", 1), ("alone", "cifar_resnet20", 4)]
    wanted = {"variant": "cifar_resnet20", "batch": 4, "mode": "train", "engine": "nothing", "input": "3x8x8"}
    wanted |= {"device": "cpu", "status": "ok", "ms": 10.0, "latency_ms": 3.0, "utilisation": 0.5, "notes": ""}
    assert {key: row[key] for key in wanted} == wanted
    assert "verdict" not in row


def test_several_networks_are_timed_in_turns_with_the_first():
    machine = Machine()
    first, second, third = measured(machine, "cifar_resnet20", "cifar_resnet32", "cifar_resnet20", batch_size=[4])
    assert [order[0] for order in machine.orders] == ["peak", "alone", "alone", "alone", "turns", "turns"]
    assert machine.orders[-2:] == [
        ("turns", "cifar_resnet20", "cifar_resnet32", 4),
        ("turns", "cifar_resnet20", "cifar_resnet20", 4),
    ]
    assert (first["ms"], second["ms"], third["ms"]) == (10.0, 20.0, 20.0)
    assert (second["verdict"], second["ratio"], second["baseline"]) == ("slower", 2.0, "cifar_resnet20")
    assert "verdict" not in first


def test_the_network_of_a_library_is_compared_with_ours_of_its_name():
    (job,) = plan(["cifar_resnet20", "cifar_resnet32"], **SMALL)
    first, second = job.networks
    theirs = [replace(network, name=f"timm:{network.name}", peer="timm") for network in job.networks]
    machine = Machine()
    found = list(rows(replace(job, networks=(first, theirs[0], second, theirs[1])), machine))
    assert [row.get("baseline") for row in found] == [None, "cifar_resnet20", "cifar_resnet20", "cifar_resnet32"]
    assert machine.orders[-1] == ("turns", "cifar_resnet32", "timm:cifar_resnet32", 32)


def test_the_latency_is_measured_once_for_all_modes_and_batches():
    found = measured(Machine(), "cifar_resnet20", batch_size=[4, 8], mode=["train", "infer"])
    assert [row["latency_ms"] for row in found] == [3.0] * 4


def test_out_of_memory_is_a_row_and_the_others_are_measured():
    full = {"status": "out_of_memory", "reason": "out of memory"}
    first, second, third = measured(
        Machine(alone_cifar_resnet32=full), "cifar_resnet20", "cifar_resnet32", "cifar_resnet44"
    )
    assert (second["status"], second["reason"]) == ("out_of_memory", "out of memory")
    assert (first["status"], third["verdict"]) == ("ok", "slower")


def test_networks_that_do_not_fit_together_are_timed_alone():
    machine = Machine(turns={"status": "out_of_memory", "reason": "out of memory"})
    first, second = measured(machine, "cifar_resnet20", "cifar_resnet32")
    assert [order[0] for order in machine.orders] == ["peak", "alone", "alone", "turns", "alone", "alone"]
    assert (first["ms"], second["ms"]) == (10.0, 10.0)
    assert second["notes"] == "not compared with cifar_resnet20: out of memory"


def test_the_largest_batch_is_written_and_not_compared():
    machine = Machine(largest={"status": "ok", "batch": 48, "why": "64 images do not fit into the memory"})
    first, second = measured(machine, "cifar_resnet20", "cifar_resnet32", batch_size=["max"])
    assert (first["batch"], second["batch"]) == (48, 48)
    assert first["notes"] == "the largest batch of a search: 64 images do not fit into the memory"
    assert "verdict" not in second
    none = Machine(largest={"status": "ok", "batch": 0, "why": "1 images do not fit into the memory"})
    (row,) = measured(none, "cifar_resnet20", batch_size=["max"])
    assert (row["status"], row["batch"], row["device"]) == ("out_of_memory", "max", "cpu")
    (row,) = measured(Machine(largest={"status": "failed", "reason": "a"}), "cifar_resnet20", batch_size=["max"])
    assert (row["status"], row["reason"]) == ("failed", "a")


def test_what_disturbed_a_measurement_is_noted():
    noisy = TIMES | {"status": "ok", "latency_ms": 1.0, "other_load": 1.0, "throttled": True, "spread": 0.3}
    (row,) = measured(Machine(alone=noisy | {"settled": False}), "cifar_resnet20")
    assert row["notes"].split("; ") == [
        "the machine was not idle: other programs used 1.0 cores",
        "heat or a limit of power lowered the clock of the device",
        "the times scatter: their quartiles lie 30% apart",
        "the times had not settled when the warm-up ended",
    ]


def test_a_compile_mode_that_could_not_be_used_is_noted():
    answer = TIMES | {"status": "ok", "latency_ms": 1.0, "compile": "default", "fallback": "an operation waits"}
    (row,) = measured(Machine(alone=answer), "cifar_resnet20")
    assert (row["compile"], row["notes"]) == ("default", "compile 'off' could not be used: an operation waits")
    assert "fallback" not in row


def test_a_mistake_that_only_the_engine_sees_ends_the_bench():
    with pytest.raises(LabError, match="gluoncv has no network 'a'"):
        measured(Machine(alone={"problem": "gluoncv has no network 'a'"}), "cifar_resnet20")


class Process:
    """A process that answers one line, and dies with a status if the line is empty."""

    def __init__(self, line, status):
        self.stdout, self.status, self.line = self, status, line

    def readline(self):
        return self.line

    def poll(self):
        return None if self.line else self.status

    def wait(self):
        return self.status

    def kill(self):
        pass


def test_a_process_that_dies_is_replaced(monkeypatch):
    lines = [('{"flops_per_s": 1e9}', 0), ("", -9), ("", 3)]
    processes = [Process(*lines[1]), Process(*lines[2])]
    monkeypatch.setattr(child_process, "launch", lambda module, environment: processes.pop(0))
    monkeypatch.setattr(child_process, "send", lambda process, order: None)
    (job,) = plan(["cifar_resnet20"], **SMALL)
    with _process(job) as ask:
        assert ask({}) == {
            "status": "out_of_memory",
            "reason": "the system ended the process, as it does when memory is full",
        }
        assert ask({}) == {"status": "failed", "reason": "the process that measured ended with status 3"}
    assert processes == []


def test_a_bench_runs_in_a_process_of_its_own():
    told = []
    jobs = plan(["cifar_resnet20"], engine=[any_engine()], input=(3, 8, 8), batch_size=[2], mode=["infer"])
    (row,) = run(jobs, told.append)
    assert row["status"] == "ok", row["reason"]
    assert row["ms_p10"] <= row["ms"] <= row["ms_p90"]
    assert 0 < row["utilisation"] < 1
    assert told == [f"cifar_resnet20, {any_engine()}, infer, batch 2: {row['images_per_s']:.1f} images/s"]
