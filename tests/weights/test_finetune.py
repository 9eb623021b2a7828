"""Training that starts from weights: what is taken, what is drawn, what stays; and what a trial's id makes of it."""

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.network.initial import initial
from resnet_lab.specs.experiment import load
from resnet_lab.specs.optimizers import Sgd
from resnet_lab.specs.train import InitSpec
from resnet_lab.sweeps.plan import plan
from resnet_lab.training.epoch import train_epoch
from resnet_lab.weights import finetune, safetensors
from resnet_lab.weights.pretrained import Pretrained, metadata
from tests.conftest import engine_or_skip, random_weights

EXPERIMENT = """
variants: [cifar_resnet20]
data: {name: digits, size: 16}
train:
  epochs: 1
  batch_size: 64
  optimizer: {lr: 0.01}
  init: {weights: start.safetensors}
  freeze: [stem, stage1]
"""


@pytest.fixture
def start(workspace):
    """An experiment beside a file of weights of a net with 7 classes."""
    graph = rl.graph("cifar_resnet20", input=(3, 16, 16), classes=7)
    arrays = random_weights(graph)
    safetensors.save(workspace / "experiments" / "start.safetensors", arrays)
    (workspace / "experiments" / "e.yaml").write_text(EXPERIMENT)
    return arrays


def test_a_head_of_another_size_is_drawn_and_the_rest_is_taken(start, workspace):
    path = str(workspace / "experiments" / "start.safetensors")
    graph = rl.graph("cifar_resnet20", input=(3, 16, 16), classes=10)
    drawn = initial(graph, 3)
    begun = finetune.starting_weights(graph, 3, InitSpec(weights=path))
    for name, array in begun.items():
        assert np.array_equal(array, drawn[name] if name.startswith("head") else start[name]), name
    again = finetune.starting_weights(graph, 3, InitSpec(weights=path, fresh=["stage3.block2", "head"]))
    for name, array in again.items():
        fresh = name.startswith(("head.", "stage3.block2."))
        assert np.array_equal(array, drawn[name] if fresh else start[name]), name


def test_the_content_of_the_file_decides_the_id_not_its_name(start, workspace):
    (first,) = plan(load("experiments/e.yaml")).trials
    other = workspace / "experiments" / "other.safetensors"
    safetensors.save(other, start)
    assert plan(load("experiments/e.yaml", ["train.init.weights=other.safetensors"])).trials[0].id == first.id
    safetensors.save(other, dict(start, **{"stem.norm1.bias": np.ones(16, np.float32)}))
    assert plan(load("experiments/e.yaml", ["train.init.weights=other.safetensors"])).trials[0].id != first.id
    assert plan(load("experiments/e.yaml", ["train.freeze=[stem]"])).trials[0].id != first.id
    assert first.labels()["train.init.weights"].startswith("start.safetensors (")


@pytest.mark.usefixtures("trains_here")
def test_a_frozen_part_is_run_as_in_inference_and_does_not_change(engine, start, workspace):
    table = rl.run("experiments/e.yaml", settings=[f"engine={engine.name}", "measure=false"])
    assert table["status"].tolist() == ["ok"]
    (path,) = (workspace / "results" / "e" / "trials").glob("*/weights.safetensors")
    after = safetensors.load(path)
    for name in after:
        if name.startswith(("stem.", "stage1.")):
            assert np.array_equal(after[name], start[name]), name
        elif not name.startswith("head."):
            assert not np.array_equal(after[name], start[name]), name


def test_frozen_parts_give_the_same_losses_and_statistics_on_both_engines():
    graph = finetune.frozen(rl.graph("cifar_resnet20", input=(3, 16, 16)), ["stem", "stage1", "stage2.block1"])
    rng = np.random.default_rng(0)
    batches = [
        (rng.standard_normal((16, 3, 16, 16), np.float32), rng.integers(0, 10, 16).astype("i")) for _ in range(5)
    ]
    losses, after = [], []
    for name in ("mxnet", "torch"):
        model = engine_or_skip(name).build(graph, "cpu")
        model.load(random_weights(graph))
        model.prepare(Sgd(momentum=0.9, weight_decay=1e-2))
        told = []
        train_epoch(model, batches, [0.003] * 5, 0, lambda images, loss, told=told: told.append(loss))
        losses.append(told)
        after.append(model.weights())
    assert np.allclose(losses[0], losses[1], rtol=1e-3)
    for name in after[0]:
        assert np.allclose(after[0][name], after[1][name], rtol=1e-2, atol=1e-3), name


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("train.freeze=[stage9]", "unknown part of the network 'stage9'; did you mean 'stage"),
        ("train.freeze=[stem, stage1, stage2, stage3, head]", "leaves nothing to train"),
        ("train.init.weights=nope.pth", "there is no weights file 'nope.pth' in any of these folders"),
        ("train.init.weights=e.yaml", "e.yaml: is no weights file by its suffix"),
        ("train.init.fresh=[hed]", "did you mean 'head'?"),
        ("train.init.last_scale=zero", "'last_scale' is for nets that start without 'weights'"),
        ("variants=[cifar_resnet32]", "start.safetensors: the weights do not fit the network: missing stage1.block4"),
    ],
)
def test_mistakes_are_told_before_anything_runs(start, setting, told):
    with pytest.raises(LabError, match=told) as caught:
        plan(load("experiments/e.yaml", [setting]))
    assert caught.value.file is not None


def test_fresh_parts_need_weights(start):
    with pytest.raises(LabError, match="'fresh' parts need 'weights'"):
        load("experiments/e.yaml", ["train.init={fresh: [head]}"])


def test_weights_of_another_architecture_are_refused(start, workspace):
    """A stride has no shape: these would fit, and be worth nothing."""
    other = rl.graph("resnet50_v1b", input=(3, 32, 32), classes=10)
    said = metadata(Pretrained("resnet50_v1b", other, {}, ""))
    safetensors.save(workspace / "experiments" / "start.safetensors", initial(other, 0), said)
    with pytest.raises(LabError, match="holds the weights of another network .'resnet50_v1b'"):
        plan(load("experiments/e.yaml", ["variants=[resnet50]", "train.freeze=[stem]"]))
    assert plan(load("experiments/e.yaml", ["variants=[resnet50_v1b]"])).trials
    assert plan(load("experiments/e.yaml", ["variants=[resnet50]", "train.init.fresh=[stage4]"])).trials


def test_the_same_parts_spelt_otherwise_are_the_same_trial(start):
    ids = {
        plan(load("experiments/e.yaml", [f"train.freeze={parts}"])).trials[0].id
        for parts in ("[stem, stage1]", "[stage1, stem]", "[stage1, stage1.block1, stem, stem]")
    }
    assert len(ids) == 1


def test_a_file_that_changes_after_the_plan_is_not_taken(start, workspace):
    (trial,) = plan(load("experiments/e.yaml")).trials
    path = workspace / "experiments" / "start.safetensors"
    safetensors.save(path, dict(start, **{"stem.norm1.bias": np.ones(16, np.float32)}))
    with pytest.raises(LabError, match="start.safetensors: has changed since the trial was planned"):
        finetune.starting_weights(trial.graph, 0, trial.train.init, trial.contents["train.init.weights"])
