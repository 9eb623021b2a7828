"""The times of training steps, and the events that report the progress of an epoch."""

import pytest

from resnet_lab.training import watch


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets; it stands at 100 seconds."""
    now = [100.0]
    monkeypatch.setattr(watch.time, "perf_counter", lambda: now[0])
    return now


def test_each_step_has_its_time(clock):
    steps = watch.StepWatch(0, 3, lambda event: None)
    for time in (100.5, 100.75, 102.75):
        clock[0] = time
        steps(8, 1.0)
    assert steps.times == [0.5, 0.25, 2.0]


def test_events_come_at_most_ten_times_a_second_and_with_the_last_step(clock):
    events = []
    steps = watch.StepWatch(4, 6, events.append)
    for count in range(6):
        clock[0] = 100 + 0.0625 * (count + 1)
        steps(8, 1.0)
    assert [event["step"] for event in events] == [2, 4, 6]
    assert events[0] == {"event": "step", "epoch": 5, "step": 2, "steps": 6, "loss": 1.0, "images_per_s": 128.0}
    clock[0] = 100.0
    short = watch.StepWatch(0, 1, events.append)
    clock[0] = 100.03
    short(8, 2.0)
    assert events[-1]["step"] == 1


def test_the_loss_is_a_running_mean_that_starts_at_the_first_loss(clock):
    steps = watch.StepWatch(0, 100, lambda event: None)
    for loss in (4.0, 2.0, 1.0):
        steps(8, loss)
    assert steps.mean_loss == pytest.approx(0.9 * (0.9 * 4.0 + 0.1 * 2.0) + 0.1 * 1.0)


def test_images_a_second_follow_the_median_of_the_last_twenty_steps(clock):
    events = []
    steps = watch.StepWatch(0, 40, events.append)
    for length in [1.0] * 20 + [0.25] * 20:
        clock[0] += length
        steps(8, 1.0)
    assert events[19]["images_per_s"] == 8.0
    assert events[39]["images_per_s"] == 32.0
