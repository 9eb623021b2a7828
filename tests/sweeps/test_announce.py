"""The plan that a sweep writes into its results folder when it begins."""

import json
from pathlib import Path

import pytest

import resnet_lab as rl
from resnet_lab.results import plan_file
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.plan import plan
from resnet_lab.sweeps.progress import Silent
from resnet_lab.sweeps.run import run
from resnet_lab.weights import safetensors
from tests.conftest import any_engine
from tests.sweeps.pretending import Pretender

TEXT = """
variants: [cifar_resnet20]
data: {name: digits, size: 8}
train: {epochs: 3, batch_size: 32, optimizer: {lr: 0.1}}
seeds: [0, 1, 2]
"""
RESULTS = Path("results/e")


@pytest.fixture
def sweep(workspace):
    """Run the experiment; its trials end as `outcome` says, or the sweep breaks off where `outcome` fails."""
    (workspace / "experiments" / "e.yaml").write_text(TEXT)

    def of(*settings, outcome=lambda trial: {"test_accuracy": 0.5}, **options):
        loaded = load("experiments/e.yaml", [f"engine={any_engine()}", *settings])
        run(loaded, RESULTS, Silent(), executor=Pretender(outcome), **options)
        return plan(loaded).trials

    return of


class Stop(Exception):
    pass


def stop(trial):
    raise Stop


def test_the_plan_has_every_trial_in_order_with_its_cost(sweep):
    with pytest.raises(Stop):
        sweep(outcome=stop)
    found = plan_file.read(RESULTS)
    trials = plan(load("experiments/e.yaml", [f"engine={any_engine()}"])).trials
    assert list(found.trials) == [trial.id for trial in trials]
    assert (found.experiment, found.at_most, found.fresh) == ("e", False, False)
    for trial in trials:
        planned = found.trials[trial.id]
        assert (planned.title, planned.cost, planned.epochs, planned.trained) == (trial.title, trial.graph.macs, 3, 0)
    assert rl.status(RESULTS).left == 3


def test_what_was_trained_before_is_known(sweep):
    first, second, third = sweep("seeds=[0, 1, 2]")
    for trial, content in ((second, {"epochs": "2"}), (third, None)):
        place = RESULTS / "trials" / trial.id
        (place / "result.json").unlink()
        safetensors.save(place / "checkpoint.safetensors", {}, content or {})
    with pytest.raises(Stop):
        sweep(outcome=stop)
    assert [trial.trained for trial in plan_file.read(RESULTS).trials.values()] == [3, 2, 0]
    with pytest.raises(Stop):
        sweep(outcome=stop, fresh=True)
    assert [trial.trained for trial in plan_file.read(RESULTS).trials.values()] == [0, 0, 0]
    assert rl.status(RESULTS).left == 3
    assert first.id in json.loads((RESULTS / "plan.json").read_text())["trials"]


def test_after_the_verdicts_the_plan_has_the_trials_that_were_needed(sweep):
    settings = [
        "variants=[cifar_resnet20, cifar_resnet32]",
        *("baseline=cifar_resnet20", "seeds=auto", "decide={smallest: 0.001, at_most: 12}"),
    ]

    def clear(trial):
        shift = 0.2 if trial.variant == "cifar_resnet32" else 0.0
        return {"test_accuracy": 0.5 + shift + (trial.seed % 7 + trial.seed * 0.1 * (shift > 0)) / 1000}

    with pytest.raises(Stop):
        sweep(*settings, outcome=stop)
    assert rl.status(RESULTS).at_most
    assert rl.status(RESULTS).total == 24
    sweep(*settings, outcome=clear)
    found = rl.status(RESULTS)
    assert not found.at_most
    assert found.left == 0
    assert found.done == found.total < 24


def test_results_of_several_revisions_are_said(sweep, workspace):
    class Notes(Silent):
        lines = []

        def note(self, text):
            self.lines.append(text)

    loaded = load("experiments/e.yaml", [f"engine={any_engine()}"])
    for revision, seeds in (("aaa", 1), ("bbb+", 3)):
        one = load("experiments/e.yaml", [f"engine={any_engine()}", f"seeds={seeds}"])
        ran = Pretender(lambda trial, revision=revision: {"test_accuracy": 0.5, "revision": revision})
        run(one, RESULTS, Notes(), executor=ran)
    said = [line for line in Notes.lines if "revisions of the code" in line]
    assert len(said) == 1
    assert "aaa (1)" in said[0]
    assert "bbb+ (2)" in said[0]
    assert rl.status(RESULTS).revisions == {"aaa": 1, "bbb+": 2}
    assert len(plan(loaded).trials) == 3
