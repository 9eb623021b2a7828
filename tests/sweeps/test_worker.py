"""The worker: a trial that several processes train is one worker to the sweep."""

import signal

import pytest

import resnet_lab as rl
from resnet_lab import LabError, engines
from resnet_lab.base.files import read_json
from resnet_lab.results.trial_folder import RESULT
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps import worker
from resnet_lab.sweeps.executors import Work
from resnet_lab.sweeps.plan import plan
from resnet_lab.training import loop
from resnet_lab.training.group import ProcessDied
from resnet_lab.training.trial import Place
from tests.conftest import engine_or_skip

TEXT = """
variants: [cifar_resnet20]
data: {name: digits, size: 8, limit: 240}
train: {epochs: 3, batch_size: 48}
device: cpu:0,1
datasets: [killer.py]
"""

KILLER = """
import os
import signal
from pathlib import Path

from resnet_lab.training import loop

train_epoch = loop.train_epoch


def deadly(model, batches, *words):
    if Path("deadly").exists() and model._rank.number == 1 and batches.number == 2:
        Path("deadly").unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return train_epoch(model, batches, *words)


loop.train_epoch = deadly
"""
"""A file that every process of a trial loads; it kills the second process in the third epoch, once."""


@pytest.fixture
def experiment(workspace):
    (workspace / "experiments" / "e.yaml").write_text(f"engine: {engine_or_skip('torch').name}\n{TEXT}")
    (workspace / "experiments" / "killer.py").write_text(KILLER)
    return workspace


@pytest.mark.usefixtures("trains_here")
def test_a_trial_on_two_devices_is_a_row_with_the_whole_batch(experiment):
    table = rl.run("experiments/e.yaml", progress=False)
    assert table["status"].tolist() == ["ok"], table["reason"].tolist()
    row = table.iloc[0]
    assert (row["devices"], row["device"], row["batch_size"], row["train.norm"]) == (2, "cpu:0,1", 48, "local")
    assert (row["train_images_per_s"], row["infer_images_per_s"]) > (0, 0)
    assert "compute_images_per_s" not in table or table["compute_images_per_s"].isna().all()
    assert rl.results("results/e", epochs=True)["epoch"].tolist() == [1, 2, 3]


class Left(BaseException):
    """This process would have ended."""


def test_a_worker_dies_as_a_process_of_its_trial_died(experiment, monkeypatch, capsys):
    def leave(status):
        raise Left

    def dies(*words):
        raise ProcessDied(1, -signal.SIGKILL)

    signals = []
    monkeypatch.setattr(worker, "run", dies)
    monkeypatch.setattr(worker.os, "kill", lambda process, number: signals.append(number))
    monkeypatch.setattr(worker.os, "_exit", leave)
    [trial] = plan(load("experiments/e.yaml")).trials
    with pytest.raises(Left):
        worker.perform(Work(trial, experiment, Place("cpu:0,1", "off", 1), False, ""), lambda content: None)
    assert signals == [signal.SIGKILL]
    assert "process 1 of the devices ended with signal 9" in capsys.readouterr().err
    assert not (experiment / "result.json").exists()


@pytest.mark.slow
def test_a_trial_is_tried_again_when_one_of_its_processes_was_killed(experiment, lab):
    (experiment / "deadly").touch()
    done = lab("run", "experiments/e.yaml", cwd=experiment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "killed by signal 9" in done.stdout
    assert "it is tried again" in done.stdout
    table = rl.results("results/e")
    assert table["status"].tolist() == ["ok"]
    log = (experiment / "results" / "e" / "trials" / table["trial"][0] / "log.txt").read_text()
    assert "process 1 of the devices ended with signal 9" in log


def test_a_trial_on_several_devices_shares_none_of_them(experiment):
    with pytest.raises(LabError, match=r"runs alone: --jobs must be 1, not 2"):
        rl.run("experiments/e.yaml", progress=False, jobs=2)
    with pytest.raises(LabError, match=r"a trial on several devices \(cpu:0,1\) cannot have a share of a GPU"):
        rl.run("experiments/e.yaml", progress=False, settings=["resources.gpu=0.5"])


@pytest.mark.parametrize(("columns", "mode"), [({}, "step"), ({"compile": "default"}, "default")])
def test_the_row_states_the_compile_mode_that_the_training_used(workspace, monkeypatch, columns, mode):
    monkeypatch.setattr(engines, "_ADDED", {})
    engines.add("nothing", "tests.engines.nothing")
    (workspace / "experiments" / "e.yaml").write_text(f"{TEXT}engine: nothing\n".replace("datasets: [killer.py]", ""))
    trial = plan(load("experiments/e.yaml", ["device=cpu"])).trials[0]
    monkeypatch.setattr(worker, "run", lambda *arguments: {"status": "ok", **columns})
    worker.perform(Work(trial, workspace, Place("cpu", "step", 1), False, ""), lambda event: None)
    assert read_json(workspace / RESULT)["compile"] == mode


@pytest.mark.usefixtures("trains_here")
def test_an_operation_without_a_deterministic_form_is_the_reason_in_the_row(workspace, monkeypatch):
    """The next trial in the same worker, which does not ask for determinism, runs."""
    engine_or_skip("torch")
    import torch

    train_epoch = loop.train_epoch

    def epoch(*args):
        torch.zeros(3).put_(torch.tensor([0]), torch.ones(1))  # PyTorch has no deterministic form of it
        return train_epoch(*args)

    monkeypatch.setattr(loop, "train_epoch", epoch)
    text = TEXT.replace("epochs: 3", "epochs: 1").replace("cpu:0,1", "cpu").replace("datasets: [killer.py]", "")
    (workspace / "experiments" / "e.yaml").write_text(f"engine: torch\nmeasure: false\n{text}")
    (failed,), (ok,) = (
        rl.run("experiments/e.yaml", settings=[f"deterministic={word}"], progress=False).to_dict("records")
        for word in ("true", "false")
    )
    assert (failed["status"], failed["deterministic"], failed["dtype"]) == ("failed", True, "float32")
    assert "'deterministic' cannot be kept: PyTorch has no deterministic form of put_" in failed["reason"]
    assert (ok["status"], ok["deterministic"]) == ("ok", False)


@pytest.mark.parametrize(
    ("device", "gib", "trials"), [("cpu", 1, 3), ("cpu", 3, 1), ("gpu:0", 3, 3), ("gpu:0", 7, 1), ("cpu:0,1", 3, 1)]
)
def test_a_worker_that_has_grown_large_ends_after_its_trial(monkeypatch, device, gib, trials):
    """A process that uses a GPU may be larger: the driver and its libraries take much memory themselves."""

    class Ended(Exception):
        """In the place of the end of this process."""

    def read(inbox, busy):
        for line in ("{}", "{}", "{}", ""):
            inbox.put(line)

    def end(status):
        raise Ended

    events = []
    monkeypatch.setattr(worker, "_reporter", lambda stream: events.append)
    monkeypatch.setattr(worker, "_read", read)
    monkeypatch.setattr(worker, "_log_into", lambda work: None)
    monkeypatch.setattr(worker, "perform", lambda work, report: device)
    monkeypatch.setattr(worker.Work, "from_json", lambda values: None)
    monkeypatch.setattr(worker.hardware, "resident", lambda: gib << 30)
    monkeypatch.setattr(worker.gc, "freeze", lambda: None)
    monkeypatch.setattr(worker.os, "dup", lambda stream: stream)
    monkeypatch.setattr(worker.os, "dup2", lambda stream, other: None)
    monkeypatch.setattr(worker.os, "_exit", end)
    with pytest.raises(Ended):
        worker.main()
    assert len(events) == trials
