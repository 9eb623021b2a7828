"""Throughput: which steps are timed, and the columns that come out."""

import numpy as np
import pytest

from resnet_lab.training import throughput
from resnet_lab.training.throughput import rates, speeds, step_times


def test_rates_are_percentiles_of_images_a_second():
    columns = rates([0.1] * 8 + [0.2, 0.05], 10, "train")
    assert columns["train_images_per_s"] == pytest.approx(100)
    assert columns["train_images_per_s_p10"] == pytest.approx(95)
    assert columns["train_images_per_s_p90"] == pytest.approx(110)


class Clock:
    """A clock that only a fake model moves."""

    def __init__(self):
        self.now = 50.0


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(throughput.time, "perf_counter", lambda: clock.now)
    return clock


class FakeStep:
    def __init__(self, model, images):
        self.model, self.images = model, images

    def is_done(self):
        return False

    def wait(self):
        self.model.clock.now += 0.125 * len(self.images)
        return 1.0, 0.0, len(self.images)


class FakeModel:
    """Trains an image in 1/8 s and predicts one in 1/16 s; the first step of an epoch takes 10 s longer."""

    most_started = 1

    def __init__(self, clock):
        self.clock, self.rates = clock, []

    def synchronize(self):
        pass

    def begin_epoch(self, seed):
        self.clock.now += 10.0

    def on_device(self, batches):
        return batches

    def train_step(self, images, labels, rate, label_smoothing):
        self.rates.append(rate)
        return FakeStep(self, images)

    def end_epoch(self):
        pass

    def predict(self, images):
        self.clock.now += 0.0625 * len(images)


BATCH = (np.zeros((4, 3, 2, 2), np.float32), np.zeros(4, np.int32))


def test_the_first_step_which_fills_the_pipeline_is_left_out(clock):
    model = FakeModel(clock)
    times = step_times(model, BATCH, 0.1, seconds=1e6, steps=7)
    assert times == [0.5] * 7
    assert set(model.rates) == {0.1}


def test_the_columns_of_a_trained_model(clock):
    columns = speeds(FakeModel(clock), BATCH, 0.1)
    wanted = {"compute_images_per_s": 8.0, "infer_images_per_s": 16.0, "latency_ms": 62.5}
    assert columns == {f"{name}{suffix}": value for name, value in wanted.items() for suffix in ("", "_p10", "_p90")}
