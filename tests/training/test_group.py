"""One trial in two processes: the same losses as in one process, exact continuation, and no process left behind."""

import json
import subprocess
import sys

import numpy as np
import psutil
import pytest

from resnet_lab import engines
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.plan import plan
from resnet_lab.training import group
from resnet_lab.training.trial import Place
from resnet_lab.weights import safetensors
from tests.conftest import engine_or_skip

BLOCK = """
from resnet_lab import block, stem
from resnet_lab.ops import conv, norm, relu


@stem("grouped")
def grouped_stem(x, channels):
    return relu(norm(conv(x, channels, 3), "group", groups=4))


@block("grouped")
def grouped(x, channels, stride, shortcut):
    y = relu(norm(conv(x, channels, 3, stride), "group", groups=4))
    return relu(norm(conv(y, channels, 3), "group", groups=4) + shortcut(x))
"""

GROUPED = """
blocks: [grouped.py]
stem: {type: grouped, channels: 8}
stages: [{block: grouped, repeat: 1, channels: 8}, {block: grouped, repeat: 1, channels: 8}]
head: {classes: 10}
"""

DROPPING = """
stem: {type: cifar, channels: 8}
stages: [{block: basic, repeat: 1, channels: 8}, {block: basic, repeat: 1, channels: 16, stride: 2}]
head: {classes: 10, dropout: 0.2}
"""

TEXT = """
variants: [VARIANT]
data: {name: digits, size: 8, limit: 45, augment: [{pad_crop: 1}, flip, {mixup: 0.2}]}
train: {epochs: 10, batch_size: 45, optimizer: {lr: 0.05, momentum: 0.9}, label_smoothing: 0.1, clip_norm: 1.0}
"""
"""Ten epochs of one step each, so that the row of an epoch holds the loss of a step; 45 images are split unevenly."""

TWO = "cpu:0,1"


@pytest.fixture
def trial(workspace):
    """A trial of TEXT with settings, on a device, and the place where it runs."""
    (workspace / "variants" / "grouped.py").write_text(BLOCK)
    (workspace / "variants" / "grouped.yaml").write_text(GROUPED)
    (workspace / "variants" / "dropping.yaml").write_text(DROPPING)
    (workspace / "variants" / "normed.yaml").write_text("extends: dropping\nhead: {dropout: 0.0}\n")

    def of(engine, device, variant, *settings):
        engine_or_skip(engine)
        (workspace / "experiments" / "e.yaml").write_text(TEXT.replace("VARIANT", variant))
        found = plan(load("experiments/e.yaml", [f"engine={engine}", *settings]), device).trials[0]
        return found, Place(device, engines.get(engine).compiling("auto", device)[0], 2)

    return of


def losses(trial, folder, emit=lambda event: None):
    """The training loss of every step of a trial that runs in a folder."""
    folder.mkdir(exist_ok=True)
    result = group.run(*trial, folder, False, emit)
    assert (result["status"], result["epochs_done"]) == ("ok", 10)
    return [row["train_loss"] for row in json.loads((folder / "epochs.json").read_text())]


@pytest.mark.parametrize(
    ("engine", "variant", "settings"),
    [
        pytest.param("torch", "grouped", ["train.ema=0.9"], marks=pytest.mark.slow),
        pytest.param("mxnet", "grouped", ["train.ema=0.9"], marks=pytest.mark.slow),
        ("torch", "normed", ["train.norm=synchronised", "train.optimizer.lr=0.02"]),
    ],
    ids=["torch, group norm", "mxnet, group norm", "torch, synchronised batch norm"],
)
def test_ten_steps_of_two_processes_follow_those_of_one(trial, workspace, engine, variant, settings):
    one = losses(trial(engine, "cpu", variant, *settings), workspace / "one")
    two = losses(trial(engine, TWO, variant, *settings), workspace / "two")
    assert np.abs(np.subtract(one, two)).max() < 1e-4
    assert one[-1] < one[0] - 0.1
    ours, theirs = (safetensors.load(workspace / name / "weights.safetensors") for name in ("one", "two"))
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        assert np.abs(array - theirs[name]).max() < 1e-3, name


KILLER = """
import os
import signal
from pathlib import Path

from resnet_lab.training import loop

train_epoch = loop.train_epoch


def deadly(model, batches, *words):
    if Path("deadly").exists() and model._rank.number == 1 and batches.number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return train_epoch(model, batches, *words)


loop.train_epoch = deadly
"""
"""A file that every process of a trial loads; it kills the second process in the third epoch."""


@pytest.mark.parametrize("engine", [pytest.param("mxnet", marks=pytest.mark.slow), "torch"])
def test_a_process_that_dies_fails_the_trial_which_then_goes_on_exactly(trial, workspace, engine):
    """Batch norm normalises each part, and each process drops other units; both are the same again."""
    (workspace / "experiments" / "killer.py").write_text(KILLER)
    before = psutil.Process().children()
    dropping = trial(engine, TWO, "dropping", "data.limit=225", "datasets=[killer.py]")
    whole = losses(dropping, workspace / "whole")
    (workspace / "deadly").touch()
    with pytest.raises(group.ProcessDied, match="process 1 of the devices ended with signal 9"):
        losses(dropping, workspace / "killed")
    assert psutil.Process().children() == before
    (workspace / "deadly").unlink()
    events = []
    assert losses(dropping, workspace / "killed", events.append) == whole
    assert events[0]["event"] == "resumed"
    one, other = (safetensors.load(workspace / name / "weights.safetensors") for name in ("whole", "killed"))
    assert [name for name in one if not np.array_equal(one[name], other[name])] == []


@pytest.mark.slow
def test_a_trial_of_two_processes_that_was_stopped_goes_on_exactly(trial, workspace):
    found, place = trial("torch", TWO, "dropping", "train.epochs=4")
    for folder in ("whole", "parts"):
        (workspace / folder).mkdir()
    whole = group.run(found, place, workspace / "whole", False, lambda event: None)
    stopped = group.run(found, place, workspace / "parts", False, lambda event: None, until=2)
    assert (stopped["status"], stopped["epochs_done"]) == ("stopped", 2)
    ended = group.run(found, place, workspace / "parts", False, lambda event: None)
    assert [ended[name] for name in ("status", "train_loss", "test_loss")] == [
        whole[name] for name in ("status", "train_loss", "test_loss")
    ]


def test_every_process_sees_that_a_training_diverges(trial, workspace):
    given, place = trial("torch", TWO, "grouped", "train.optimizer.lr=1e30", "train.clip_norm=null")
    result = group.run(given, place, workspace, False, lambda event: None)
    assert result["status"] == "diverged"


def test_an_error_in_a_process_is_the_reason(trial, workspace, monkeypatch):
    """The weights to start from are gone since the plan was made."""
    monkeypatch.setattr(group, "_LAST_WORDS", 0.1)
    given, place = trial("torch", TWO, "grouped")
    init = given.train.init.model_copy(update={"weights": str(workspace / "gone.safetensors")})
    object.__setattr__(given, "train", given.train.model_copy(update={"init": init}))
    with pytest.raises(RuntimeError, match=r"process [01] of the devices: LabError: .*gone.safetensors"):
        group.run(given, place, workspace, False, lambda event: None)


PARENT = """
import json, sys
from pathlib import Path
from resnet_lab.training import group
from resnet_lab.training.trial import Place, Trial

values = json.loads(sys.stdin.readline())
trial, place = Trial.from_json(values["trial"]), Place(**values["place"])
group.run(trial, place, Path("."), False, lambda event: print("going", flush=True))
"""


@pytest.mark.slow
def test_the_processes_end_with_the_one_that_started_them(trial, workspace):
    """However it ends: here with SIGKILL."""
    given, place = trial("mxnet", TWO, "grouped", "train.epochs=100000")
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=workspace
    ) as parent:
        parent.stdin.write(json.dumps({"trial": given.to_json(), "place": vars(place)}) + "\n")
        parent.stdin.flush()
        assert parent.stdout.readline() == "going\n"
        children = psutil.Process(parent.pid).children(recursive=True)
        assert len(children) == 4  # two that train, MXNet's scheduler and its server
        parent.kill()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []


class Played:
    """A process that prints lines and has then ended with a status, as a test says."""

    def __init__(self, *reports, status=0):
        self.stdout, self._status = [json.dumps(report) for report in reports], status

    def wait(self):
        return self._status

    def kill(self):
        pass


LOST = {"event": "error", "reason": "RuntimeError: connection closed by peer", "out_of_memory": False}
FULL = {"event": "error", "reason": "RuntimeError: can't allocate memory", "out_of_memory": True}


@pytest.mark.parametrize(
    ("processes", "error", "words"),
    [
        ([Played(LOST), Played(status=-11)], group.ProcessDied, "process 1 of the devices ended with signal 11"),
        ([Played(status=3), Played(LOST)], group.ProcessDied, "process 0 of the devices ended with exit status 3"),
        ([Played(FULL), Played({"event": "result"})], MemoryError, "process 0 of the devices: .*can't allocate memory"),
    ],
)
def test_the_cause_of_a_failure_is_named(trial, workspace, monkeypatch, processes, error, words):
    """A process that died is the cause, and not the lost connection that the other reports first."""
    given = trial("torch", TWO, "grouped")
    monkeypatch.setattr(group.child_process, "start", lambda *words: processes.pop(0))
    with pytest.raises(error, match=words):
        group.run(*given, workspace, False, lambda event: None)
