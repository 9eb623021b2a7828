"""A calibration that is kept: where, for what, and what it predicts."""

import json
from dataclasses import replace

import pytest

from resnet_lab import LabError
from resnet_lab import graph as variant_graph
from resnet_lab.network.memory import training_memory
from resnet_lab.training.calibration_networks import samples
from resnet_lab.training.cost_prediction import Calibration, Here, load, this_machine
from tests.conftest import any_engine
from tests.training.test_cost_model import layer_times

HERE = Here("torch", "2.13.0", "cpu", "A processor", 2, "float32", "off")
BASE, FACTOR = 200e6, 1.1


def invented(here=HERE):
    """A calibration of the machine of tests/training/test_cost_model.py; inference takes a third of a step."""
    times, memory = [], []
    for sample in samples():
        seconds = sum(layer_times(sample.graph, sample.batch).values())
        times.append((sample.name, seconds, seconds / 3))
        if sample.name in ("dense 64 10", "basic", "bottleneck"):
            memory.append((sample.name, 8, int(BASE + FACTOR * training_memory(sample.graph, 8).peak)))
    return Calibration(here, "2026-11-21T20:00:00Z", 90.0, 0.01, times, memory)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "resnet-lab" / "calibration"


def test_a_calibration_is_kept_and_read(cache):
    file = invented().save()
    assert file.parent == cache
    found, graph = load(HERE), variant_graph("cifar_resnet20")
    assert (found.here, found.made, found.took_s) == (HERE, "2026-11-21T20:00:00Z", 90.0)
    assert found.predict(graph, 8) == invented().predict(graph, 8)


@pytest.mark.parametrize(
    "other",
    [{"version": "2.14.0"}, {"hardware": "Another"}, {"threads": 4}, {"precision": "bfloat16"}, {"engine": "x"}],
)
def test_a_calibration_holds_for_what_was_measured_alone(cache, other):
    invented().save()
    with pytest.raises(LabError, match="this machine is not calibrated for .*; run: resnet-lab bench --calibrate"):
        load(replace(HERE, **other))


def test_the_message_names_engine_and_precision(cache):
    with pytest.raises(LabError) as error:
        load(replace(HERE, precision="bfloat16"))
    assert error.value.message == (
        "this machine is not calibrated for torch 2.13.0 on cpu (A processor, 2 threads), bfloat16, compile off; "
        "run: resnet-lab bench --calibrate --engine torch --dtype bfloat16"
    )


def test_a_calibration_by_other_networks_is_refused(cache):
    file = invented().save()
    file.write_text(json.dumps({**json.loads(file.read_text()), "networks": "0123456789ab"}))
    with pytest.raises(LabError, match="another version of resnet-lab made .*; run: resnet-lab bench --calibrate"):
        load(HERE)


def test_a_prediction_adds_up():
    graph = variant_graph("resnet50", (3, 64, 64))
    found = invented().predict(graph, 16)
    assert found.train_s == pytest.approx(sum(layer_times(graph, 16).values()), rel=0.1)
    assert found.infer_s == pytest.approx(found.train_s / 3, rel=0.05)
    assert found.train_s == pytest.approx(sum(found.train_layers.values()))
    assert found.train_images_per_s == pytest.approx(16 / found.train_s)
    assert list(found.train_layers) == list(found.infer_layers) == list(found.kept) == [n.name for n in graph.nodes]
    assert found.memory == training_memory(graph, 16)
    assert found.peak_bytes == pytest.approx(BASE + FACTOR * found.memory.peak, rel=1e-3)
    assert found.like_relu == []


@pytest.mark.parametrize(("precision", "bytes_each"), [("float32", 4), ("tf32", 4), ("bfloat16", 2), ("float16", 2)])
def test_activations_take_two_bytes_in_half_precision(precision, bytes_each):
    graph = variant_graph("cifar_resnet20")
    predicted = invented(replace(HERE, precision=precision)).predict(graph, 16)
    assert predicted.memory == training_memory(graph, 16, bytes_each=bytes_each)


def test_this_machine():
    here = this_machine(any_engine(), "cpu")
    assert (here.device, here.precision) == ("cpu", "float32")
    assert here.threads >= 1
    assert here.version in here.text
    with pytest.raises(LabError, match="unknown engine"):
        this_machine("tensorflow")
    with pytest.raises(LabError, match="computes in"):
        this_machine(any_engine(), "cpu", "float64")
    with pytest.raises(LabError, match="a calibration is of one device, not of 'cpu:0,1'"):
        this_machine(any_engine(), "cpu:0,1")
