"""Throughput: how many calls are timed, when the warm-up ends, and the columns that come out."""

import numpy as np
import pytest

from resnet_lab.training import throughput
from resnet_lab.training.throughput import measure, rates, speeds, step_times


def test_rates_are_percentiles_of_images_a_second():
    columns = rates([0.1] * 8 + [0.2, 0.05], 10, "train")
    assert columns["train_images_per_s"] == pytest.approx(100)
    assert columns["train_images_per_s_p10"] == pytest.approx(95)
    assert columns["train_images_per_s_p90"] == pytest.approx(110)


def test_measuring_stops_after_its_calls():
    calls = []
    times = measure(lambda: calls.append(1), warmups=3, calls=20, seconds=30)
    assert len(times) == 20
    assert 22 <= len(calls) <= 24


class Clock:
    """A clock that only a fake call or a fake model moves."""

    def __init__(self):
        self.now = 50.0

    def call(self, lengths):
        """A function whose calls take these seconds, one after the other; the last length repeats."""
        left = list(lengths)

        def call():
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return call


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(throughput.time, "perf_counter", lambda: clock.now)
    return clock


def test_the_warm_up_ends_when_two_calls_take_as_long_and_is_not_reported(clock):
    assert measure(clock.call([8.0, 4.0, 2.0, 1.0, 1.0, 1.0, 1.0]), calls=5) == [1.0] * 5
    assert measure(clock.call([8.0, 4.0, 2.0, 1.0]), warmups=1, calls=3) == [2.0, 1.0, 1.0]


def test_measuring_ends_with_its_time_but_not_before_five_calls(clock):
    assert len(measure(clock.call([1.0]), seconds=2.0)) == 5
    assert len(measure(clock.call([0.25]), seconds=2.0)) == 8


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
