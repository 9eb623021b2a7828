"""The largest batch: the sizes that are tried, and why the search ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import resnet_lab as rl
from resnet_lab import engines
from resnet_lab.base import hardware
from resnet_lab.training import largest_batch
from resnet_lab.training.largest_batch import Fits, largest
from resnet_lab.training.speed import Setting
from resnet_lab.training.trial import Place

GRAPH = rl.graph("cifar_resnet20", (3, 8, 8))


@given(st.integers(0, 5000))
def test_the_search_ends_within_a_sixteenth_of_the_limit(limit):
    found = largest(lambda batch: batch <= limit, most=4096)
    assert found <= limit
    assert found == 4096 if limit >= 4096 else limit - found <= found / 16


@pytest.fixture
def fits(monkeypatch):
    """Makes a `Fits` whose model needs some bytes an image and runs some seconds."""
    monkeypatch.setattr(engines, "_ADDED", {})
    engines.add("nothing", "tests.engines.nothing")
    monkeypatch.setattr(hardware, "resident", lambda: 500)
    monkeypatch.setattr(hardware, "available_memory", lambda: 10_000)

    def make(each=10, seconds=0.0, full=10**9):
        class Model:
            def peak_memory(self):
                return 500 + each * self.batch

        def ready(graph, setting):
            if setting.batch >= full:
                raise MemoryError
            model = Model()
            model.batch = setting.batch
            return model, lambda: seconds * setting.batch

        monkeypatch.setattr(largest_batch, "ready", ready)
        return Fits(GRAPH, Setting("nothing", Place("cpu", "off", 1), "float32", "train", 1))

    return make


def test_on_the_cpu_no_batch_is_tried_that_needs_more_than_the_free_memory(fits):
    tries = fits(each=10)
    assert 940 <= largest(tries) <= 1000
    assert "would need more than the free memory" in tries.why


def test_the_search_ends_where_a_step_is_too_slow(fits):
    tries = fits(each=0, seconds=0.1)
    assert 94 <= largest(tries) <= 100
    assert "would take more than 10 s" in tries.why


def test_a_batch_that_the_engine_refuses_does_not_fit(fits):
    tries = fits(each=0, full=100)
    assert 93 <= largest(tries) < 100
    assert "do not fit into the memory" in tries.why
    assert largest(fits(full=1)) == 0
    assert fits().why == "no batch above 65536 is tried"
