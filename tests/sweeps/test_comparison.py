"""Sweeps with `seeds: auto`: each variant stops when its verdict is clear, and a killed sweep goes on where it was."""

import random
from collections import Counter
from pathlib import Path

import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.results import design
from tests.sweeps.pretending import Pretend, sweep

AUTO = ("seeds=auto", "baseline=tiny", "decide={smallest: 0.01, at_most: 14}")
THREE = "variants=[tiny, tiny_plain, tiny_close]"

CLEAR_AND_CLOSE = {"tiny_plain": (0.05, 0.001), "tiny_close": (0, 0.03)}


class Shifted(Pretend):
    """Gives each seed an accuracy of its own; the keywords are the mean and the spread of a variant's difference."""

    def __init__(self, **differences):
        super().__init__()
        self.differences = differences

    def accuracy(self, trial):
        mean, spread = self.differences.get(trial.variant, (0, 0))
        return 0.9 + random.Random(trial.seed).gauss(0, 0.01) + mean + spread * (-1) ** trial.seed

    @property
    def seeds(self):
        return Counter(variant for variant, _ in self.order)


@pytest.fixture
def three(tiny):
    (tiny / "variants" / "tiny_close.yaml").write_text("extends: tiny\nevery_stage: {shortcut: pad}\n")
    return tiny


def test_a_clear_variant_stops_and_the_other_goes_on(three):
    executor = Shifted(**CLEAR_AND_CLOSE)
    table, notes = sweep(*AUTO, THREE, executor=executor)
    assert executor.seeds == {"tiny": 14, "tiny_plain": 7, "tiny_close": 14}
    assert executor.order[:3] == [("tiny", 0), ("tiny_plain", 0), ("tiny_close", 0)]
    assert "undecided after 6 seeds: tiny_plain, tiny_close" in notes
    assert "undecided after 7 seeds: tiny_close" in notes
    assert len(table) == 35


def test_a_sweep_that_was_stopped_goes_on_where_it_was(three):
    class Stopped(Shifted):
        def next(self, timeout=None):
            if len(self.order) > 20:
                raise KeyboardInterrupt
            return super().next()

    whole = Shifted(**CLEAR_AND_CLOSE)
    expected, _ = sweep(*AUTO, THREE, executor=whole)
    for path in Path("results/e/trials").iterdir():
        for file in path.iterdir():
            file.unlink()
    first = Stopped(**CLEAR_AND_CLOSE)
    with pytest.raises(KeyboardInterrupt):
        sweep(*AUTO, THREE, executor=first)
    done = rl.results("results/e")
    second = Shifted(**CLEAR_AND_CLOSE)
    table, _ = sweep(*AUTO, THREE, executor=second)
    assert len(done) + len(second.order) == len(whole.order)
    columns = ["trial", "variant", "seed", "test_accuracy"]
    assert table[columns].equals(expected[columns])
    assert sweep(*AUTO, THREE, executor=Shifted())[0][columns].equals(table[columns])


def test_the_trials_are_those_of_ordinary_seeds(three):
    ordinary, _ = sweep("seeds=6", executor=Shifted(tiny_plain=(0.05, 0.001)))
    assert sorted(set(ordinary["seed"])) == list(range(6))
    executor = Shifted(tiny_plain=(0.05, 0.001))
    table, _ = sweep(*AUTO, executor=executor)
    assert executor.order == []
    assert sorted(table["trial"]) == sorted(ordinary["trial"])


def test_a_trial_that_failed_is_not_begun_again_at_the_next_look(three):
    executor = Shifted(tiny_plain=(0, 0.1))
    executor.outcomes = {"tiny_plain": "dies"}
    table, _ = sweep(*AUTO, "limits={retries: 0}", executor=executor)
    assert executor.seeds == {"tiny": 14, "tiny_plain": 14}
    assert (table["status"] == "failed").sum() == 14


def test_fresh_trains_every_trial_once(three):
    sweep(*AUTO, executor=Shifted(tiny_plain=(0.05, 0.001)))
    again = Shifted(tiny_plain=(0.05, 0.001))
    sweep(*AUTO, executor=again, fresh=True)
    assert again.seeds == {"tiny": 6, "tiny_plain": 6}


def test_fixed_seeds_with_a_baseline_run_seed_by_seed_and_keep_the_design(three):
    executor = Pretend()
    sweep("seeds=2", "baseline=tiny", executor=executor)
    assert executor.order == [("tiny", 0), ("tiny_plain", 0), ("tiny", 1), ("tiny_plain", 1)]
    kept = design.read(Path("results/e"))
    assert (kept.baseline, kept.auto, kept.variants, kept.decide.smallest) == ("tiny", False, 1, None)
    sweep("seeds=2", executor=executor)
    assert design.read(Path("results/e")) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["decide={metric: latency_ms}"], "unknown metric 'latency_ms'"),
        (["decide={metric: test_acuracy}"], "did you mean 'test_accuracy'"),
        (["decide={metric: val_accuracy}", "data.validation=0"], "'val_accuracy' needs 'data.validation'"),
        (["variants=[tiny, twin]"], "they are the same network under several names"),
    ],
)
def test_what_cannot_be_decided_is_refused_before_anything_runs(three, settings, message):
    (three / "variants" / "twin.yaml").write_text("extends: tiny\n")
    executor = Pretend()
    with pytest.raises(LabError, match=message):
        sweep(*AUTO, *settings, executor=executor)
    assert executor.order == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["decide={metric: acuracy}"], "unknown metric 'acuracy'"),
        (["decide={metric: val_accuracy}", "data.validation=0"], "the metric 'val_accuracy' needs 'data.validation'"),
        (["decide={metric: latency_ms}", "measure=false"], "unknown metric 'latency_ms'"),
    ],
)
def test_fixed_seeds_are_not_run_for_a_metric_that_no_trial_will_have(three, settings, message):
    executor = Pretend()
    with pytest.raises(LabError, match=message):
        sweep("seeds=2", "baseline=tiny", *settings, executor=executor)
    assert executor.order == []


@pytest.mark.parametrize(
    "settings",
    [
        ["decide={metric: latency_ms}", "measure=true"],
        ["decide={metric: params}"],
        ["decide={metric: val_accuracy}", "data.validation=0", "grid={data.validation: [0.1, 0.2]}"],
    ],
)
def test_fixed_seeds_are_run_for_a_metric_that_trials_will_have(three, settings):
    executor = Pretend()
    sweep("seeds=1", "baseline=tiny", *settings, executor=executor)
    assert len(executor.order) >= 2
