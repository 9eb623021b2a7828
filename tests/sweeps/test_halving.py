"""Halving: which trials train on, that nothing is trained twice, and how a stopped trial goes on."""

import random

import pytest

from resnet_lab import LabError
from resnet_lab.base.files import write_json
from resnet_lab.results.store import read
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.executors import Ended
from resnet_lab.sweeps.plan import plan
from resnet_lab.sweeps.progress import Silent
from resnet_lab.sweeps.run import run
from tests.conftest import any_engine
from tests.sweeps.pretending import Notes

NETS = {
    "variants": ["cifar_resnet20"],
    "data": {"name": "digits", "size": 8, "validation": 0.1},
    "train": {"epochs": 9, "batch_size": 32},
    "search": {"random": 18, "halving": {"factor": 3}, "space": {"variant.stages.*.repeat": {"low": 1, "high": 9}}},
}


def quality(trial):
    """A number that differs between trials: the accuracy that they are given."""
    return round(random.Random(trial.id).random(), 6)


class Trainer:
    """Trains nothing: accuracies rise to the quality of a trial. `log` has the first and last epoch of each start."""

    def __init__(self, at_once=1, kill_after=None, fails=()):
        self.capacity, self.running, self.log = at_once, [], []
        self.kill_after, self.fails = kill_after, fails
        self.trained = {}

    def start(self, work):
        self.running.append(work)

    def next(self, timeout=None):
        if self.kill_after is not None and len(self.log) == self.kill_after:
            raise KeyboardInterrupt
        work = self.running.pop(0)
        trial, last = work.trial, work.until or work.trial.train.epochs
        self.log.append((trial.id, self.trained.get(trial.id, 0) + 1, last))
        self.trained[trial.id] = last
        rows = [{"epoch": n, "val_accuracy": quality(trial) - 0.01 / n} for n in range(1, last + 1)]
        result = {"status": "ok" if last == trial.train.epochs else "stopped", "reason": "", "wall_s": 1.0}
        result |= {"epochs_done": last, "val_accuracy": rows[-1]["val_accuracy"], "started": f"{len(self.log):04}"}
        if result["status"] == "ok":
            result["test_accuracy"] = quality(trial)
        if trial.id in self.fails:
            result = {"status": "failed", "reason": "a fault", "wall_s": 1.0, "started": result["started"]}
        write_json(work.folder / "result.json", trial.labels() | result)
        write_json(work.folder / "epochs.json", rows)
        return Ended(work)

    def end(self, trial): ...

    def stop(self):
        self.running.clear()


@pytest.fixture
def nets(workspace):
    """Runs the search on an executor; `changes` are further keys of the experiment."""

    def of(executor, progress=None, **changes):
        loaded = load(NETS | {"engine": any_engine()} | changes, name="nets")
        return run(loaded, workspace / "results", progress or Silent(), executor=executor)

    return of


def test_the_best_third_trains_on_at_each_rung(nets, workspace):
    executor = Trainer()
    table = nets(executor)
    ends = {last: {trial for trial, _, end in executor.log if end == last} for last in (1, 3, 9)}
    assert ends[9] < ends[3] < ends[1] == set(table["trial"])
    quality_of = {trial.id: quality(trial) for trial in plan(load(NETS | {"engine": any_engine()}, name="nets")).trials}
    for lower, upper in ((1, 3), (3, 9)):
        ranked = sorted(ends[lower], key=quality_of.__getitem__, reverse=True)
        assert set(ranked[: len(ranked) // 3]) <= ends[upper]  # some more trained on while few others had begun
        assert len(ends[upper]) < len(ranked) / 2
    assert set(table.loc[table["status"] == "ok", "trial"]) == ends[9]
    assert set(table.loc[table["status"] == "stopped", "epochs_done"]) == {1, 3}
    assert table.loc[table["status"] == "stopped", "test_accuracy"].isna().all()
    assert sorted(read(workspace / "results")["status"]) == sorted(table["status"])


def test_a_trial_that_goes_on_trains_no_epoch_twice(nets):
    executor = Trainer()
    nets(executor)
    for trial in {trial for trial, _, _ in executor.log}:
        parts = [(first, last) for other, first, last in executor.log if other == trial]
        assert parts == [(1, 1), (2, 3), (4, 9)][: len(parts)]


def test_a_trial_trains_on_before_all_others_have_begun(nets):
    """The rungs are not waited for, which is the A in ASHA."""
    executor = Trainer()
    nets(executor)
    order = [last for _, _, last in executor.log]
    assert order[:4] == [1, 1, 1, 3]
    assert order.index(9) < len(order) - 1 - order[::-1].index(1)


def test_several_trials_at_once(nets):
    executor = Trainer(at_once=4)
    table = nets(executor)
    assert len(table) == 18
    assert len({last for _, _, last in executor.log}) == 3
    assert (table["status"] == "ok").sum() >= 2


@pytest.mark.parametrize("kill_after", [0, 10, 25, *(pytest.param(n, marks=pytest.mark.slow) for n in (5, 15, 20))])
def test_a_search_that_was_killed_goes_on(nets, kill_after):
    first, second = Trainer(kill_after=kill_after), Trainer()
    with pytest.raises(KeyboardInterrupt):
        nets(first)
    second.trained = dict(first.trained)
    table = nets(second)
    assert len(table) == 18
    assert set(table["status"]) == {"ok", "stopped"}
    assert not set(first.log) & set(second.log)
    again = Trainer()
    assert nets(again)["trial"].tolist() == table["trial"].tolist()
    assert again.log == []


def test_without_halving_the_stopped_trials_train_to_their_ends(nets):
    first, second = Trainer(), Trainer()
    stopped = {row["trial"] for _, row in nets(first).iterrows() if row["status"] == "stopped"}
    second.trained = dict(first.trained)
    table = nets(second, search={key: NETS["search"][key] for key in ("random", "space")})
    assert table["status"].tolist() == ["ok"] * 18
    assert {trial for trial, _, _ in second.log} == stopped
    assert {last for _, _, last in second.log} == {9}


def test_a_trial_that_fails_is_the_worst_of_its_rung_and_is_tried_again_by_the_next_run(nets):
    best = max(plan(load(NETS | {"engine": any_engine()}, name="nets")).trials, key=quality).id
    table = nets(Trainer(fails={best})).set_index("trial")
    assert table.loc[best, ["status", "reason"]].tolist() == ["failed", "a fault"]
    assert (table["status"] == "ok").any()
    again = Trainer()
    table = nets(again).set_index("trial")
    assert table.loc[best, "status"] == "ok"
    assert {trial for trial, _, _ in again.log} == {best}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"data": {"name": "digits", "size": 8}},
            "key 'search.halving': 'halving' compares trials by their validation",
        ),
        ({"train": {"epochs": 1, "batch_size": 32}}, "compares trials after 1 epochs for the first time, and no trial"),
        ({"search": NETS["search"] | {"halving": {"metric": "test_accuracy"}}}, "'search.halving.metric'"),
        ({"search": NETS["search"] | {"halving": {"fist": 1}}}, "'fist'; did you mean 'first'"),
        ({"search": NETS["search"] | {"halving": {"factor": 1}}}, "'search.halving.factor' is 1"),
    ],
)
def test_what_cannot_be_halved(nets, changes, message):
    with pytest.raises(LabError, match=message):
        nets(Trainer(), Notes(), **changes)


def test_halving_and_fresh_exclude_each_other(nets, workspace):
    loaded = load(NETS | {"engine": any_engine()}, name="nets")
    with pytest.raises(LabError, match="--fresh trains every trial to its end, and 'halving' stops most of them"):
        run(loaded, workspace / "results", Silent(), executor=Trainer(), fresh=True)


@pytest.mark.usefixtures("trains_here")
def test_trials_of_a_real_engine_are_stopped_and_go_on(workspace, lab):
    (workspace / "variants" / "tiny.yaml").write_text(
        "stem: {type: cifar, channels: 8}\nstages:\n  - {block: basic, repeat: 1, channels: 8}\nhead: {classes: 10}\n"
    )
    (workspace / "experiments" / "nets.yaml").write_text(
        "variants: [tiny]\nmeasure: false\n"
        "data: {name: digits, size: 8, validation: 0.2, limit: 200}\ntrain: {epochs: 3, batch_size: 32}\n"
        "search: {random: 4, halving: {factor: 2}, space: {train.optimizer.lr: {low: 1e-4, high: 0.5, log: true}}}\n"
    )
    done = lab("run", "nets", "--engine", any_engine(), cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert "stopped after epoch 1, validation accuracy 0." in done.stdout
    assert "goes on after epoch 1" in done.stdout
    table = read(workspace / "results" / "nets").set_index("train.optimizer.lr")
    assert set(table["status"]) == {"ok", "stopped"}
    assert table.loc[table["status"] == "ok", "test_accuracy"].notna().all()
    assert table["val_accuracy"].notna().all()
    again = lab("run", "nets", "--engine", any_engine(), cwd=workspace)
    assert "epoch 1/3" not in again.stdout
    assert again.returncode == 0
