"""One trial: moving average and clipping reach the engine, an interrupted trial goes on exactly, divergence is seen."""

import numpy as np
import pytest

from resnet_lab.results import images
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.plan import plan
from resnet_lab.training import loop
from resnet_lab.training.trial import Place
from resnet_lab.weights import safetensors
from tests.conftest import engine_or_skip

TEXT = """
variants: [cifar_resnet20]
data: {name: digits, size: 8, validation: 0.2}
train: {epochs: 2, batch_size: 128, optimizer: {lr: 0.02, momentum: 0.9}}
device: cpu
"""


@pytest.fixture(params=["mxnet", "torch"])
def run(request, workspace):
    """Runs one trial of TEXT with settings in a folder; returns its result."""
    engine_or_skip(request.param)

    def go(folder, *settings):
        (workspace / "experiments" / "e.yaml").write_text(TEXT)
        trial = plan(load("experiments/e.yaml", [f"engine={request.param}", *settings])).trials[0]
        place = Place("cpu", "off" if request.param == "torch" else "hybridize", 1)
        (workspace / folder).mkdir(exist_ok=True)
        return loop.run(trial, place, workspace / folder, False, lambda event: None)

    return go


def weights_of(folder):
    return safetensors.load(folder / "weights.safetensors")


def test_the_moving_average_is_what_is_tested_and_saved(run, workspace):
    plain, averaged = run("plain"), run("averaged", "train.ema=0.999")
    assert plain["train_loss"] == pytest.approx(averaged["train_loss"], rel=1e-5)
    assert plain["test_loss"] != averaged["test_loss"]
    assert plain["val_accuracy"] != averaged["val_accuracy"] or plain["test_accuracy"] != averaged["test_accuracy"]
    own, average = weights_of(workspace / "plain"), weights_of(workspace / "averaged")
    assert np.abs(own["stem.conv1.weight"] - average["stem.conv1.weight"]).max() > 1e-4


def test_the_answers_on_the_test_images_are_kept(run, workspace):
    """In both engines the accuracy and the loss of the row are the means over the images that were kept."""
    result = run("kept", "train.epochs=1")
    found = images.read(workspace / "kept")
    assert len(found.right) == 360
    assert found.right.mean() == pytest.approx(result["test_accuracy"])
    assert found.losses.mean() == pytest.approx(result["test_loss"], rel=1e-5)


def test_clipping_changes_the_training(run):
    assert run("plain")["train_loss"] != run("clipped", "train.clip_norm=0.1")["train_loss"]


class _Killed(Exception):
    pass


def test_an_interrupted_trial_with_average_and_clipping_goes_on_exactly(run, workspace, monkeypatch):
    settings = ("train.ema=0.99", "train.clip_norm=1.0", "train.epochs=3")
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 0.0)
    run("whole", *settings)
    epoch, done = loop.train_epoch, []

    def interrupted(*words, **options):
        if len(done) == 2:
            raise _Killed
        done.append(1)
        return epoch(*words, **options)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "train_epoch", interrupted)
        with pytest.raises(_Killed):
            run("broken", *settings)
    result = run("broken", *settings)
    assert result["status"] == "ok"
    whole, broken = weights_of(workspace / "whole"), weights_of(workspace / "broken")
    assert all(np.array_equal(whole[name], broken[name]) for name in whole)


def test_an_absurd_loss_is_diverged_and_saves_no_weights(run, workspace):
    result = run("absurd", "train.optimizer.lr=1e6", "train.epochs=1")
    assert result["status"] == "diverged"
    assert "loss" in result["reason"]
    assert not (workspace / "absurd" / "weights.safetensors").exists()
    assert images.read(workspace / "absurd") is None


def test_the_loss_above_which_a_trial_diverged():
    assert loop.diverged_above(10) == pytest.approx(2302.585)
    assert loop.diverged_above(1) > 0
