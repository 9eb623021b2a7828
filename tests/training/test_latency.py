"""Latency in turns: the order of the turns, the ratio, and the refusal where the machine is not quiet."""

import numpy as np
import pytest

from resnet_lab import LabError
from resnet_lab import graph as variant_graph
from resnet_lab.network.initial import initial
from resnet_lab.training import latency, timing
from resnet_lab.training.latency import Latency, ratios
from resnet_lab.training.trial import Place
from tests.conftest import any_engine


@pytest.fixture
def clock(monkeypatch):
    """Functions that move a fake clock by some seconds at each call."""
    now = [0.0]
    calls = []
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])

    def taking(name, *seconds):
        left = list(seconds)

        def call():
            calls.append(name)
            now[0] += left.pop(0) if len(left) > 1 else left[0]

        return call

    return taking, calls


def test_the_ratio_is_that_of_each_turn(clock):
    taking, calls = clock
    assert ratios(taking("a", 1.0), taking("b", 1.5), turns=12, seconds=100) == [1.5] * 12
    assert calls == ["a", "b"] * 15


def test_calls_before_the_turns_do_not_count(clock):
    taking, _ = clock
    assert ratios(taking("a", 1.0), taking("b", 50.0, 9.0, 9.0, 2.0), turns=9) == [2.0] * 9


def test_a_measurement_ends_with_its_time_but_not_before_nine_turns(clock):
    taking, _ = clock
    assert len(ratios(taking("a", 1.0), taking("b", 1.0), seconds=3)) == 9
    assert len(ratios(taking("a", 0.1), taking("b", 0.1), seconds=3)) == 15


@pytest.fixture
def measured():
    graph = variant_graph("cifar_resnet20", (3, 8, 8))
    return Latency(any_engine(), Place("cpu", "auto", 1), "float32", 4, graph)


def test_the_baseline_and_the_network_run_in_turns_on_the_same_images(measured, monkeypatch):
    calls = []
    monkeypatch.setattr(latency, "ratios", lambda *both: calls.extend(both) or [1.0, 7.0, 3.0])
    deep = variant_graph("cifar_resnet56", (3, 8, 8))
    assert measured(deep) == 3.0
    images = np.random.default_rng(0).standard_normal((4, 3, 8, 8), dtype=np.float32)
    for graph, call in zip((measured.baseline, deep), calls, strict=True):
        model = measured.engine.build(graph, "cpu")
        model.load(initial(graph, 0))
        np.testing.assert_allclose(call(), model.predict(images), rtol=1e-3)


def test_a_machine_on_which_the_baseline_differs_from_itself_is_not_quiet(measured, monkeypatch):
    monkeypatch.setattr(latency, "ratios", lambda first, second: [1.0, 1.01, 1.2])
    measured.check_quiet()
    monkeypatch.setattr(latency, "ratios", lambda first, second: [1.0, 1.03, 1.2])
    with pytest.raises(LabError, match=r"the machine is not quiet: .* took 1\.030 times as long as itself"):
        measured.check_quiet()


def test_a_disturbance_that_ends_is_waited_for(measured, monkeypatch):
    found = iter([[1.5], [1.001]])
    monkeypatch.setattr(latency, "ratios", lambda first, second: next(found))
    measured.check_quiet()
