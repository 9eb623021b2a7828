"""Pairs of a block and its baseline: how many there are, and how a second call goes on."""

import pytest

from resnet_lab.specs.experiment import load
from resnet_lab.sweeps import pairs
from tests.sweeps.pretending import Pretender


class Clock:
    """A clock that each trial moves on by ten seconds."""

    def __init__(self, end=lambda trial: {"test_accuracy": 0.9}):
        self.now, self.executor = 0.0, Pretender(self.outcome)
        self.end = end

    def outcome(self, trial):
        self.now += 10
        return self.end(trial)

    def __call__(self):
        return self.now

    def pairs(self, tried, at_most):
        lines = []
        return pairs.run_pairs(tried, at_most, lines.append, clock=self, executor=self.executor), lines


def test_the_time_of_the_first_pair_decides_how_many_pairs_there_are(prepared):
    tried, clock = prepared(), Clock()
    outcome, lines = clock.pairs(tried, 200)
    assert (outcome.pairs, outcome.planned, outcome.seconds, outcome.problem) == (9, 9, 20, "")
    assert clock.now <= 200
    assert clock.executor.began[:4] == [(name, seed) for seed in (0, 1) for name in (tried.baseline, tried.variant)]
    assert "a pair takes 20 s, so there is time for 9 pairs" in lines
    assert load(tried.experiment).spec.seeds == list(range(9))
    assert len(outcome.table) == 18


def test_too_little_time_for_a_verdict_is_said_after_the_first_pair(prepared):
    tried = prepared()
    outcome, _ = Clock().pairs(tried, 100)
    assert outcome.pairs == 1
    assert "a pair takes 20 s, so --at-most 2m would be enough" in outcome.problem
    assert load(tried.experiment).spec.seeds == list(range(6))


def test_a_call_that_was_stopped_goes_on_with_the_pairs_that_it_planned(prepared):
    def stops_in_the_third_pair(trial):
        if trial.seed == 2:
            raise KeyboardInterrupt
        return {"test_accuracy": 0.9}

    with pytest.raises(KeyboardInterrupt):
        Clock(stops_in_the_third_pair).pairs(prepared(), 200)
    again, clock = prepared(), Clock()
    assert again.seeds == 9
    outcome, _ = clock.pairs(again, None)
    assert outcome.pairs == 9
    assert min(seed for _, seed in clock.executor.began) == 2
    assert len(clock.executor.began) == 14
    once_more = Clock()
    assert once_more.pairs(prepared(), None)[0].pairs == 9
    assert once_more.executor.began == []


def test_pairs_stop_in_time_where_they_become_slower(prepared):
    clock = Clock()

    def slower(trial):
        clock.now += 20 if trial.seed > 2 else 0
        return {"test_accuracy": 0.9}

    clock.end = slower
    outcome, _ = clock.pairs(prepared(), 240)
    assert outcome.pairs < outcome.planned
    assert clock.now <= 240 + 60


def test_a_trial_that_fails_ends_the_runs(prepared):
    fails = {"status": "failed", "reason": "ValueError: no", "test_accuracy": float("nan")}
    tried = prepared()
    outcome, _ = Clock(lambda trial: fails if trial.variant == tried.variant else {"test_accuracy": 0.9}).pairs(
        tried, 600
    )
    assert (outcome.pairs, outcome.problem) == (1, "cifar_resnet20_mine: failed: ValueError: no")
