"""The estimate of the time that a sweep still takes."""

from types import SimpleNamespace

import pytest

from resnet_lab.sweeps.time_left import TimeLeft


def trial(name, epochs, macs, params=1):
    return SimpleNamespace(
        id=name, train=SimpleNamespace(epochs=epochs), graph=SimpleNamespace(macs=macs, params=params)
    )


SMALL, LARGE = trial("small", 2, 100), trial("large", 4, 300)


@pytest.fixture
def left():
    """The estimate for two trials; `left.now` is its clock."""
    clock = SimpleNamespace(now=0.0)
    estimate = TimeLeft([SMALL, LARGE], lambda: clock.now)
    return estimate, clock


def test_an_epoch_costs_time_in_proportion_to_the_multiply_adds(left):
    estimate, clock = left
    assert str(estimate) == ""
    clock.now = 10.0
    estimate.trained(SMALL, 1)
    assert str(estimate) == "about 2 min left"  # 1 x 100 + 4 x 300 at 10 s for each 100: 130 s
    clock.now = 20.0
    estimate.trained(SMALL, 2)
    clock.now = 50.0
    estimate.trained(LARGE, 3)
    assert str(estimate) == "about 14 s left"  # 300 at 50 s for 1,100
    estimate.trained(LARGE, 4)
    assert str(estimate) == ""


def test_epochs_of_an_earlier_run_do_not_count_as_fast_ones(left):
    estimate, clock = left
    estimate.resumed(LARGE, 3)
    clock.now = 30.0
    estimate.trained(LARGE, 4)
    assert str(estimate) == "about 20 s left"


def test_a_trial_that_failed_leaves_nothing(left):
    estimate, clock = left
    clock.now = 1.0
    estimate.trained(SMALL, 2)
    estimate.trained(LARGE, 4)
    assert str(estimate) == ""


def test_a_network_of_unknown_cost_counts_by_its_parameters():
    clock = SimpleNamespace(now=0.0)
    own = trial("own", 10, None, params=7)
    estimate = TimeLeft([own], lambda: clock.now)
    clock.now = 3600.0
    estimate.trained(own, 1)
    assert str(estimate) == "about 9 h left"


def test_a_trial_that_is_not_of_the_sweep_is_left_out(left):
    estimate, _ = left
    estimate.resumed(trial("other", 2, 1), 1)
    estimate.trained(trial("other", 2, 1), 2)
    assert str(estimate) == ""
