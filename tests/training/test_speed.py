"""The speed of networks: what is timed in each mode, and the columns that come out."""

import pytest

import resnet_lab as rl
from resnet_lab import engines
from resnet_lab.base import energy
from resnet_lab.engines.contract import Fallback
from resnet_lab.training import speed, timing
from resnet_lab.training.speed import MODES, Setting, alone, columns, matrix_peak, ready, turns
from resnet_lab.training.timing import Times
from resnet_lab.training.trial import Place
from tests.conftest import engine_or_skip
from tests.engines.nothing import NoModel

PLACE = Place("cpu", "off", 1)
GRAPH = rl.graph("cifar_resnet20", (3, 8, 8))


@pytest.fixture
def nothing(monkeypatch):
    """The engine that computes nothing."""
    monkeypatch.setattr(engines, "_ADDED", {})
    engines.add("nothing", "tests.engines.nothing")
    return "nothing"


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_is_timed_on_every_engine(engine, mode):
    _, sample = ready(GRAPH, Setting(engine.name, PLACE, "float32", mode, 2))
    assert sample() > 0


def test_parts_are_the_seconds_that_the_model_gives(nothing):
    for mode, seconds in (("forward", 1.0), ("backward", 2.0), ("update", 0.5)):
        assert ready(GRAPH, Setting(nothing, PLACE, "float32", mode, 2))[1]() == seconds


def test_the_columns_of_a_network_alone(nothing, monkeypatch):
    monkeypatch.setattr(energy, "meter", lambda device: None)
    row = alone(GRAPH, Setting(nothing, PLACE, "float32", "backward", 8))
    assert (row["ms"], row["ms_p10"], row["ms_p99"], row["images_per_s"]) == (2000, 2000, 2000, 4)
    assert row["samples"] >= timing.LEAST
    assert row["flops_per_s"] == 4 * GRAPH.macs * 8 / 2
    assert row["settled"]
    assert {"latency_ms", "peak_memory_mb", "other_load", "throttled"} <= row.keys()
    assert "energy_j_per_1000" not in row
    row = alone(GRAPH, Setting(nothing, PLACE, "float32", "train", 8), timed=False, latency=False)
    assert row.keys() == {"peak_memory_mb"}


def test_the_columns_say_which_compile_mode_was_used_if_it_is_another(nothing, monkeypatch):
    monkeypatch.setattr(NoModel, "fallback", Fallback("default", "an operation waits"))
    row = alone(GRAPH, Setting(nothing, PLACE, "float32", "train", 8), timed=False, latency=False)
    assert (row["compile"], row["fallback"]) == ("default", "an operation waits")


def test_energy_is_that_of_a_thousand_images(nothing, monkeypatch):
    monkeypatch.setattr(energy, "meter", lambda device: lambda: 6.0)
    monkeypatch.setattr(speed, "in_turns", lambda samples, **limits: [(0.1,) * 30])
    row = alone(GRAPH, Setting(nothing, PLACE, "float32", "train", 8), timed=False, latency=False)
    assert row["energy_j_per_1000"] == pytest.approx(1000 * 6 / (30 * 8))


def test_floating_point_operations_are_counted_only_where_they_are_known():
    times, setting = Times((0.5,) * 30), Setting("torch", PLACE, "float32", "train", 4)
    assert columns(times, GRAPH, setting)["flops_per_s"] == 6 * GRAPH.macs * 4 / 0.5
    assert "flops_per_s" not in columns(times, GRAPH, Setting("torch", PLACE, "float32", "update", 4))


def test_networks_take_turns():
    calls = []

    def sample(name, seconds):
        def take():
            calls.append(name)
            return seconds

        return take

    (one, other), noise = turns([sample("a", 0.3), sample("b", 0.6)], "cpu")
    assert (one.median, other.median, one.settled) == (0.3, 0.6, True)
    assert calls[-8:] == ["a", "b"] * 4
    assert len(one.seconds) == len(other.seconds) == 200
    assert noise.keys() == {"other_load", "throttled"}


def test_the_matrix_peak_is_that_of_the_fastest_product(engine, monkeypatch):
    seconds = iter([(0.5, 0.25, 0.5), (2.0, 4.0, 4.0)])
    monkeypatch.setattr(speed, "measure", lambda sample, **limits: Times(next(seconds) if sample() else ()))
    assert matrix_peak(engine.name, PLACE, "float32") == max(2 * 512**3 / 0.25, 2 * 1024**3 / 2.0)


def test_a_step_in_parts_changes_the_weights_as_a_whole_step(engine):
    engine_or_skip(engine.name)
    weights = []
    for mode in ("train", "forward"):
        model, sample = ready(GRAPH, Setting(engine.name, PLACE, "float32", mode, 2))
        sample()
        weights.append(model.weights())
    assert all((weights[0][name] == weights[1][name]).all() for name in weights[0])
    assert (weights[0]["head.dense1.weight"] != weights[0]["head.dense1.weight"][0, 0]).any()
