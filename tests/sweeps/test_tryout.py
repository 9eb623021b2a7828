"""A block in a baseline: what is written, how many pairs are run, and how a second call goes on."""

from pathlib import Path

import pytest

from resnet_lab import LabError
from resnet_lab.specs import variant
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps import tryout
from tests.conftest import any_engine
from tests.specs.writing import BLOCK
from tests.sweeps.pretending import Pretender

MINE = BLOCK.replace("{options}", "")
COPY = """
from resnet_lab import block
from resnet_lab.ops import conv, norm, relu


@block("copied")
def copied(x, channels, stride, shortcut):
    y = relu(norm(conv(x, channels, 3, stride)))
    return relu(norm(conv(y, channels, 3)) + shortcut(x))
"""


@pytest.fixture
def prepared(workspace):
    """Puts the block of a text into CIFAR ResNet-20."""

    def of(text=MINE, **options):
        (workspace / "b.py").write_text(text)
        usual = {"baseline": "cifar_resnet20", "data": "digits", "match": None, "block": None, "engine": any_engine()}
        return tryout.prepare(Path("b.py"), results=Path("results"), **(usual | options))

    return of


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
        return tryout.run_pairs(tried, at_most, lines.append, clock=self, executor=self.executor), lines


@pytest.mark.parametrize(("text", "seconds"), [("10m", 600), ("90s", 90), ("1h30m", 5400), ("0.5m", 30)])
def test_a_time_has_a_unit(text, seconds):
    assert tryout.duration(text) == seconds


@pytest.mark.parametrize("text", ["10", "ten minutes", "m", "-5m", ""])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(LabError, match="--at-most takes a time such as 10m"):
        tryout.duration(text)


def test_the_block_is_put_into_every_stage(prepared):
    tried = prepared()
    assert (tried.baseline, tried.variant) == ("cifar_resnet20", "cifar_resnet20_mine")
    plain, mixed = tried.graphs
    spec = variant.load("results/try_cifar_resnet20_mine/cifar_resnet20_mine.yaml").spec
    assert [stage.block for stage in spec.stages] == ["mine"] * 3
    assert mixed.macs < plain.macs
    spec = load(tried.experiment).spec
    assert (spec.baseline, spec.match, spec.data.size) == ("cifar_resnet20", None, 32)


def test_the_cost_is_matched_if_asked(prepared):
    plain, mixed = prepared(match="macs").graphs
    assert abs(mixed.macs / plain.macs - 1) <= 0.01


def test_a_baseline_may_be_a_path(prepared, workspace):
    (workspace / "nets").mkdir()
    (workspace / "nets" / "base.yaml").write_text("extends: cifar_resnet20\n")
    tried = prepared(baseline="nets/base.yaml")
    assert (tried.baseline, tried.variant) == ("base", "base_mine")
    assert not tried.is_same_network


def test_a_copy_of_the_block_is_the_same_network(prepared):
    assert prepared(COPY).is_same_network
    assert not prepared().is_same_network


def test_the_file_registers_a_block(prepared):
    two = MINE + MINE.replace("mine", "other")
    with pytest.raises(LabError, match=r"b\.py: registers several blocks: choose one with --block \(mine, other\)"):
        prepared(two)
    assert prepared(two, block="other").variant == "cifar_resnet20_other"
    with pytest.raises(LabError, match=r"unknown block 'othr'; did you mean 'other'\?"):
        prepared(two, block="othr")
    with pytest.raises(LabError, match=r"b\.py: registers no block"):
        prepared("x = 1\n")
    with pytest.raises(LabError, match="no block file"):
        tryout.prepare(
            Path("no.py"), baseline="x", data="digits", results=Path("r"), match=None, block=None, engine="mxnet"
        )


def test_a_branch_that_cannot_start_at_zero_does_not(prepared):
    gate = MINE.replace(", norm, relu", ", norm, relu, sigmoid")
    text = gate.replace("relu(norm(conv(x, channels, 3, stride)) + ", "relu(sigmoid(conv(x, channels, 3, stride)) + ")
    assert load(prepared(text).experiment).spec.train.init.last_scale == "one"
    assert load(prepared().experiment).spec.train.init.last_scale == "zero"


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


def test_the_data_fits_the_time(prepared):
    small = load(prepared().experiment).spec
    assert (small.data.size, small.data.limit, small.train.epochs) == (32, None, 3)
    large = load(prepared(data="cifar10").experiment).spec
    assert (large.data.size, large.data.limit, large.train.epochs) == (None, 4300, 1)
