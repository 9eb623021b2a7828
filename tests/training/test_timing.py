"""Timing: when a warm-up ends, how many samples are taken, in which order, and the percentiles."""

import pytest

from resnet_lab.training import timing
from resnet_lab.training.timing import Times, in_turns, measure, settle, stopwatch


class Clock:
    """A clock that only a fake call moves."""

    def __init__(self):
        self.now, self.calls = 50.0, []

    def call(self, *lengths, name="call"):
        """A function whose calls take these seconds, one after the other; the last length repeats."""
        left = list(lengths)

        def call():
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return call

    def sample(self, *lengths, name="call"):
        return stopwatch(self.call(*lengths, name=name))


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock.now)
    return clock


def test_percentiles_of_times():
    times = Times(tuple(float(value) for value in range(1, 102)))
    assert [times.percentile(percent) for percent in (10, 25, 75, 90, 99)] == [11.0, 26.0, 76.0, 91.0, 100.0]
    assert times.median == 51.0
    assert times.spread == pytest.approx(50 / 51)


def test_the_warm_up_ends_when_two_calls_take_as_long_and_is_not_reported(clock):
    assert measure(clock.sample(8.0, 4.0, 2.0, 1.0, 1.0, 1.0, 1.0), most=5) == Times((1.0,) * 5)
    assert measure(clock.sample(8.0, 4.0, 2.0, 1.0), warmups=1, most=3, least=3) == Times((2.0, 1.0, 1.0), False)


def test_windows_are_compared_by_their_medians(clock):
    lengths = (9.0, 5.0, 5.0, 3.0, 3.0, 8.0, 3.0, 3.0, 1.0)  # medians 5, 3 and 3
    assert settle(clock.sample(*lengths, 1.0), window=3) == (3.0, True)
    assert len(clock.calls) == 9
    assert settle(clock.sample(8.0, 4.0, 2.0, 1.0), most=2) == (2.0, False)


def test_measuring_ends_with_its_time_but_not_before_the_least_number_of_samples(clock):
    assert len(measure(clock.sample(1.0), seconds=2.0).seconds) == 5
    assert len(measure(clock.sample(1.0), seconds=2.0, least=30).seconds) == 30
    assert len(measure(clock.sample(0.25), seconds=2.0).seconds) == 8
    assert len(measure(clock.sample(0.25), seconds=1e6, most=20).seconds) == 20


def test_samples_in_turns_keep_their_order(clock):
    found = in_turns([clock.sample(1.0, name="a"), clock.sample(1.5, 2.0, name="b")], least=3, most=3)
    assert found == [(1.0, 1.0, 1.0), (1.5, 2.0, 2.0)]
    assert clock.calls == ["a", "b"] * 3
