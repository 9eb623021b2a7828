"""The measuring process: what it answers to each order, and to an order that fails."""

import pytest

import resnet_lab as rl
from resnet_lab import LabError, engines
from resnet_lab.sweeps.bench import worker
from resnet_lab.sweeps.bench.worker import answer
from resnet_lab.training import speed

NETWORK = {"name": "cifar_resnet20", "variant": "cifar_resnet20", "peer": ""}


@pytest.fixture(autouse=True)
def nothing(monkeypatch):
    """The engine that computes nothing."""
    monkeypatch.setattr(engines, "_ADDED", {})
    engines.add("nothing", "tests.engines.nothing")


def order(kind, mode="backward", networks=1, **more):
    place = {"device": "cpu", "compile": "off", "threads": 1, "share": 1.0}
    setting = {"engine": "nothing", "place": place, "precision": "float32", "mode": mode, "batch": 4}
    network = NETWORK | {"graph": rl.graph("cifar_resnet20", (3, 8, 8)).to_json()}
    return {"kind": kind, "networks": [network] * networks, "settings": [setting] * networks, **more}


def test_each_order_has_its_answer():
    assert answer(order("peak"))["flops_per_s"] > 0
    row = answer(order("alone", timed=True, latency=True))
    assert (row["status"], row["ms"], row["warning"]) == ("ok", 2000, "")
    both = answer(order("turns", networks=2))
    assert [len(seconds) for seconds in both["seconds"]] == [200, 200]
    assert [row["ms"] for row in both["rows"]] == [2000, 2000]


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (LabError("no such net"), {"problem": "no such net"}),
        (MemoryError("full"), {"status": "out_of_memory", "reason": "MemoryError: full"}),
        (OSError("broken"), {"status": "failed", "reason": "OSError: broken"}),
    ],
)
def test_an_error_is_an_answer(monkeypatch, error, wanted):
    def fail(*words, **more):
        raise error

    monkeypatch.setattr(speed, "alone", fail)
    assert answer(order("alone", timed=True, latency=True)) == wanted


def test_the_largest_batch_is_searched(monkeypatch):
    monkeypatch.setattr(worker.largest_batch, "largest", lambda fits: 24)
    assert answer(order("largest")) == {"status": "ok", "batch": 24, "why": "no batch above 65536 is tried"}
