"""One trial: moving average and clipping reach the engine, an interrupted trial goes on exactly, divergence is seen."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from resnet_lab import engines
from resnet_lab.engines.contract import Fallback
from resnet_lab.results import images
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.plan import plan
from resnet_lab.training import loop
from resnet_lab.training.trial import Place
from resnet_lab.weights import safetensors
from tests.conftest import engine_or_skip
from tests.engines.nothing import NoModel

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

    def go(folder, *settings, until=None):
        (workspace / "experiments" / "e.yaml").write_text(TEXT)
        trial = plan(load("experiments/e.yaml", [f"engine={request.param}", *settings])).trials[0]
        place = Place("cpu", "off" if request.param == "torch" else "hybridize", 1)
        (workspace / folder).mkdir(exist_ok=True)
        return loop.run(trial, place, workspace / folder, False, lambda event: None, until=until)

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


def test_a_deterministic_trial_gives_the_same_bits_on_a_cpu(run, workspace, monkeypatch):
    """There it adds nothing: on a CPU both engines give the same bits twice without it. Afterwards it is off."""
    modes, train_epoch = [], loop.train_epoch

    def mode():
        torch = sys.modules.get("torch")
        variable = os.environ.get("MXNET_ENFORCE_DETERMINISM") == "1"
        return variable or (torch is not None and torch.are_deterministic_algorithms_enabled())

    def watched(*args):
        modes.append(mode())
        return train_epoch(*args)

    monkeypatch.setattr(loop, "train_epoch", watched)
    (workspace / "variants" / "tiny.yaml").write_text(
        "stem: {type: cifar, channels: 8}\nstages: [{block: basic, repeat: 1, channels: 8}]\nhead: {classes: 10}\n"
    )
    short = ("variants=[tiny]", "train.epochs=1", "data.limit=256")
    plain, deterministic = run("plain", *short), run("deterministic", *short, "deterministic=true")
    assert modes == [False, True]
    assert not mode()
    assert plain["test_loss"] == deterministic["test_loss"]
    one, other = weights_of(workspace / "plain"), weights_of(workspace / "deterministic")
    assert all(np.array_equal(one[name], other[name]) for name in one)


BLOCK = """
from resnet_lab import block
from resnet_lab.ops import conv, drop_path, dropout, norm, relu


@block("dropping")
def dropping(x, channels, stride, shortcut):
    y = dropout(norm(conv(x, channels, 3, stride)), 0.1)
    return relu(drop_path(y, 0.3) + shortcut(x))
"""

VARIANT = """
blocks: [dropping.py]
stem: {type: cifar, channels: 8}
stages: [{block: dropping, repeat: 1, channels: 8}, {block: dropping, repeat: 1, channels: 16, stride: 2}]
head: {classes: 10, dropout: 0.2}
"""

CHANCE = """
variants: [dropping]
data:
  {name: digits, size: 8, limit: 320, augment: [{pad_crop: 1}, flip, {color_jitter: 0.2}, {random_erasing: 0.2}, mixup]}
train: {epochs: 5, batch_size: 64, optimizer: {lr: 0.05, momentum: 0.9}, schedule: cosine}
"""

PROCESS = """
import json, math, os, signal, sys
from pathlib import Path
from resnet_lab import engines
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.plan import plan
from resnet_lab.training import checkpoint, loop
from resnet_lab.training.trial import Place

engine, folders, deadly, *settings = sys.argv[1:]
checkpoint.SHARE = math.inf  # a checkpoint after every epoch, however short it is


def emit(event):
    print(json.dumps(event))
    if event["event"] == "step" and event["epoch"] == int(deadly):
        os.kill(os.getpid(), signal.SIGKILL)


engines.get(engine).use_threads(1)
trial = plan(load("experiments/chance.yaml", [f"engine={engine}", *settings])).trials[0]
place = Place("cpu", engines.get(engine).compiling("auto", "cpu")[0], 1)
for folder in folders.split():
    loop.run(trial, place, Path(folder), False, emit)
"""


@pytest.mark.parametrize(
    "settings",
    [pytest.param([], marks=pytest.mark.slow), ["train.ema=0.99", "train.clip_norm=1.0"]],
    ids=["plain", "average, clipping"],
)
@pytest.mark.parametrize("engine", engines.names())
def test_a_trial_killed_in_its_third_epoch_goes_on_exactly(engine, settings, workspace):
    """Dropout, dropped paths and every kind of augmentation draw the same numbers in another process."""
    engine_or_skip(engine)
    (workspace / "variants" / "dropping.py").write_text(BLOCK)
    (workspace / "variants" / "dropping.yaml").write_text(VARIANT)
    (workspace / "experiments" / "chance.yaml").write_text(CHANCE)

    def attempt(folders, deadly):
        for folder in folders.split():
            (workspace / folder).mkdir(exist_ok=True)
        words = [sys.executable, "-c", PROCESS, engine, folders, str(deadly), *settings]
        done = subprocess.run(words, capture_output=True, text=True, cwd=workspace, timeout=300)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    code, _, errors = attempt("killed", 3)
    assert code == -signal.SIGKILL, errors
    code, events, errors = attempt("killed whole", 0)
    assert code == 0, errors
    assert events[0] == {"event": "resumed", "epochs": 2}
    whole, killed = weights_of(workspace / "whole"), weights_of(workspace / "killed")
    assert whole.keys() == killed.keys()
    assert [name for name in whole if not np.array_equal(whole[name], killed[name])] == []


def test_a_trial_that_was_stopped_goes_on_exactly(run, workspace):
    whole = run("whole", "train.epochs=3")
    for until in (1, 2, 2):  # the last call finds that there is nothing to do
        stopped = run("parts", "train.epochs=3", until=until)
        assert (stopped["status"], stopped["epochs_done"]) == ("stopped", until)
        assert stopped["val_accuracy"] > 0
        assert "test_accuracy" not in stopped
        assert not (workspace / "parts" / loop.WEIGHTS).exists()
    ended = run("parts", "train.epochs=3", until=9)
    same = ("status", "epochs_done", "train_loss", "val_accuracy", "test_loss", "test_accuracy")
    assert [ended[name] for name in same] == [whole[name] for name in same]
    for name, array in weights_of(workspace / "whole").items():
        assert np.array_equal(array, weights_of(workspace / "parts")[name]), name


def test_an_absurd_loss_is_diverged_and_saves_no_weights(run, workspace):
    result = run("absurd", "train.optimizer.lr=1e6", "train.epochs=1")
    assert result["status"] == "diverged"
    assert "loss" in result["reason"]
    assert not (workspace / "absurd" / "weights.safetensors").exists()
    assert images.read(workspace / "absurd") is None


def test_the_loss_above_which_a_trial_diverged():
    assert loop.diverged_above(10) == pytest.approx(2302.585)
    assert loop.diverged_above(1) > 0


@pytest.mark.parametrize("fallback", [None, Fallback("off", "an operation waits for the device")])
def test_another_compile_mode_than_the_chosen_one_is_in_the_row_the_log_and_one_note(
    workspace, monkeypatch, capsys, fallback
):
    monkeypatch.setattr(engines, "_ADDED", {})
    engines.add("nothing", "tests.engines.nothing")
    monkeypatch.setattr(NoModel, "fallback", fallback)
    (workspace / "experiments" / "e.yaml").write_text(TEXT)
    trial = plan(load("experiments/e.yaml", ["engine=nothing"])).trials[0]
    events = []
    row = loop.run(trial, Place("cpu", "step", 1), workspace, False, events.append)
    notes = [event["text"] for event in events if event["event"] == "note"]
    text = "compile 'step' cannot be used: an operation waits for the device; 'off' is used instead"
    assert notes == ([] if fallback is None else [text])
    assert capsys.readouterr().err.count(text) == len(notes)
    assert row.get("compile") == (None if fallback is None else "off")
    kinds = [event["event"] for event in events]
    assert fallback is None or kinds.index("note") < kinds.index("epoch")


def test_an_interrupted_trial_of_captured_steps_gives_what_plain_steps_give(workspace, monkeypatch):
    """From the experiment's file to the row, with a tape in the place of CUDA graphs: no GPU is needed."""
    engine_or_skip("torch")
    from resnet_lab.engines import torch as engine_torch
    from resnet_lab.engines.torch import model
    from tests.engines.tape import Tapes

    made = []
    monkeypatch.setattr(model, "CudaGraphs", lambda device: made.append(Tapes(device)) or made[-1])
    monkeypatch.setattr(engine_torch, "choose", lambda wanted, device: (wanted, "asked for"))
    settings = ["engine=torch", "data.augment=[{pad_crop: 1}, flip]", "data.limit=640", "train.schedule=cosine"]
    settings += ["train.optimizer.nesterov=true", "train.ema=0.9", "train.clip_norm=1.0", "train.label_smoothing=0.1"]
    (workspace / "experiments" / "e.yaml").write_text(TEXT)
    trial = plan(load("experiments/e.yaml", settings)).trials[0]
    rows = []
    for mode in ("off", "step-eager"):
        (workspace / mode).mkdir()
        loop.run(trial, Place("cpu", mode, 1), workspace / mode, False, lambda event: None, until=1)
        rows.append(loop.run(trial, Place("cpu", mode, 1), workspace / mode, False, lambda event: None))
    same = {"status", "train_loss", "val_accuracy", "test_loss", "test_accuracy"}
    assert {key: rows[0][key] for key in same} == {key: rows[1][key] for key in same}
    one, other = (weights_of(workspace / mode) for mode in ("off", "step-eager"))
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert sum(tape.replays for own in made for tape in own.tapes) == 2 * (5 - 3)
    assert "compile" not in rows[1]
