"""Calibrating: what is measured on a real engine, with two small networks in the place of all."""

import pytest

from resnet_lab.training import calibration
from resnet_lab.training.calibration import calibrate, measured_memory, measured_times
from resnet_lab.training.calibration_networks import samples
from resnet_lab.training.cost_prediction import this_machine
from tests.conftest import any_engine

SMALL, LARGE = (next(sample for sample in samples() if sample.name == name) for name in ("dense 64 10", "basic"))


@pytest.fixture(scope="module")
def here():
    return this_machine(any_engine(), "cpu")


def test_a_training_step_and_inference_are_timed(here):
    train, infer = measured_times(here, SMALL)
    assert 0 < infer < train < 60


def test_memory_is_that_of_a_process_of_its_own(here):
    peak = measured_memory(here, SMALL)
    assert 20 * 2**20 < peak < 2**30


def test_every_network_is_measured_and_announced(here, monkeypatch):
    monkeypatch.setattr(calibration, "samples", lambda: [SMALL, LARGE])
    monkeypatch.setattr(calibration, "_MEMORY", ((SMALL.name, 4),))
    monkeypatch.setattr(calibration, "measured_times", lambda here, sample: (0.2, 0.1))
    monkeypatch.setattr(calibration, "measured_memory", lambda here, sample: 10**8)
    announced = []
    found = calibrate(here, lambda *words: announced.append(words))
    assert announced == [(1, 3, "dense 64 10"), (2, 3, "basic"), (3, 3, "memory of dense 64 10, batch 4")]
    assert found.here == here
    assert list(found.times) == [("dense 64 10", 0.2, 0.1), ("basic", 0.2, 0.1)]
    assert list(found.memory) == [("dense 64 10", 4, 10**8)]
    assert found.took_s >= 0
    assert found.other_load >= 0
