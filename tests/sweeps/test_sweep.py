"""Retries and limits, with an executor that trains nothing and a clock that the test moves."""

from pathlib import Path

import pytest

import resnet_lab as rl
from resnet_lab.results.store import Store
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.executors import Ended, Event
from resnet_lab.sweeps.plan import plan
from resnet_lab.sweeps.sweep import Sweep
from resnet_lab.training.trial import Place
from tests.sweeps.conftest import TEXT
from tests.sweeps.pretending import Notes, Pretend


class Clocked(Pretend):
    """One trial at a time. `lasts` gives the seconds of a trial by its seed; 'dies' and a number: how often it dies."""

    capacity = 1

    def __init__(self, lasts=(), dies=()):
        super().__init__()
        self.now, self.lasts, self.dies = 0.0, dict(lasts), dict(dies)
        self.until, self.ended, self.stopped, self.events = 0.0, [], False, []

    def clock(self):
        return self.now

    def start(self, work):
        super().start(work)
        self.until = self.now + self.lasts.get(work.trial.seed, 1.0)
        self.events = [Event(work, {"event": "started"})]

    def next(self, timeout=None):
        if self.events:
            return self.events.pop()
        (work,) = self.running
        if work.trial.id in self.ended:
            self.running.clear()
            return Ended(work, "failed", "the worker was killed by signal 9")
        if timeout is not None and self.now + timeout < self.until:
            self.now += timeout
            return None
        self.now = self.until
        if self.dies.get(work.trial.seed, 0) > 0:
            self.dies[work.trial.seed] -= 1
            self.running.clear()
            return Ended(work, "failed", "the worker ended with signal 11")
        return super().next()

    def end(self, trial):
        self.ended.append(trial)

    def stop(self):
        self.stopped = True
        super().stop()


@pytest.fixture
def sweep(workspace):
    """Run seeds of one small net; returns the table, the notes and the executor."""
    (workspace / "variants" / "tiny.yaml").write_text(
        "stem: {type: cifar, channels: 8}\nstages:\n  - {block: basic, repeat: 1, channels: 8}\nhead: {classes: 10}\n"
    )
    (workspace / "experiments" / "e.yaml").write_text(TEXT)

    def run(*settings, **options):
        executor, notes, results = Clocked(**options), Notes(), Path("results/e")
        loaded = load("experiments/e.yaml", ["variants=[tiny]", *settings])
        trials = plan(loaded).trials
        results.mkdir(parents=True, exist_ok=True)
        store = Store(results, {trial.id: trial.labels() for trial in trials})
        places = {trial.engine: Place("cpu", "off", 1) for trial in trials}
        table = Sweep(loaded, store, notes, executor, places, clock=executor.clock).run(trials)
        return table, notes.lines, executor

    return run


def test_a_trial_whose_worker_dies_once_is_tried_again_at_once(sweep):
    table, notes, executor = sweep("seeds=[0, 1]", dies={0: 1})
    assert table["status"].tolist() == ["ok", "ok"]
    assert executor.order == [("tiny", 0), ("tiny", 0), ("tiny", 1)]
    assert sum(note.endswith("the worker ended with signal 11; it is tried again") for note in notes) == 1


def test_a_trial_whose_worker_dies_again_is_a_row(sweep):
    table, _, executor = sweep("seeds=[0, 1]", dies={0: 5})
    assert table["status"].tolist() == ["failed", "ok"]
    assert table["reason"][0] == "the worker ended with signal 11 (tried 2 times)"
    assert len(executor.order) == 3
    table, _, executor = sweep("seeds=[2]", "limits={retries: 0}", dies={2: 5})
    assert table["reason"].tolist() == ["the worker ended with signal 11"]


def test_a_trial_that_takes_too_long_is_ended_and_not_tried_again(sweep):
    table, _, executor = sweep("seeds=[0, 1, 2]", "limits={trial: 10m}", lasts={1: 3600.0, 2: 599.0})
    assert table["status"].tolist() == ["ok", "timed_out", "ok"]
    assert table["reason"][1] == "it took longer than 10 min, 'limits.trial'"
    assert executor.order == [("tiny", 0), ("tiny", 1), ("tiny", 2)]
    assert executor.now == 1 + 600 + 599
    again = sweep("seeds=[0, 1, 2]")[2]
    assert again.order == [("tiny", 1)]


def test_the_time_of_a_trial_begins_when_it_starts_and_again_with_each_try(sweep):
    table, _, _ = sweep("seeds=[0]", "limits={trial: 10m}", lasts={0: 400.0}, dies={0: 1})
    assert table["status"].tolist() == ["ok"]


def test_a_sweep_that_takes_too_long_ends_and_goes_on_with_the_next_run(sweep):
    settings = ("seeds=[0, 1, 2]", "limits={sweep: 90s}")
    table, _, executor = sweep(*settings, lasts={1: 3600.0})
    assert table["status"].tolist() == ["ok", "timed_out", "timed_out"]
    assert table["reason"][2] == "the sweep took longer than 2 min, 'limits.sweep'; the next run goes on"
    assert (executor.now, executor.stopped) == (90.0, True)
    assert rl.results("results/e")["status"].tolist() == ["ok"]
    table, _, executor = sweep(*settings)
    assert table["status"].tolist() == ["ok"] * 3
    assert executor.order == [("tiny", 1), ("tiny", 2)]
