"""Whole sweeps through the command line: nothing is lost, nothing is done twice, a bad trial is a row."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import resnet_lab as rl
from tests.conftest import ROOT, engine_or_skip

TEXT = """
variants: [tiny, tiny_plain]
data: {name: digits, size: 8, validation: 0.1, augment: [{pad_crop: 1}]}
train: {epochs: 3, batch_size: 32, optimizer: {lr: 0.1, momentum: 0.9}, schedule: cosine}
"""


@pytest.fixture
def tiny(workspace):
    """Two nets that train in a second, and an experiment with both."""
    engine_or_skip("mxnet")
    (workspace / "variants" / "tiny.yaml").write_text(
        "stem: {type: cifar, channels: 8}\nstages:\n  - {block: basic, repeat: 1, channels: 8}\n"
        "  - {block: basic, repeat: 1, channels: 16, stride: 2}\nhead: {classes: 10}\n"
    )
    (workspace / "variants" / "tiny_plain.yaml").write_text("extends: tiny\nevery_stage: {block: plain_basic}\n")
    (workspace / "experiments" / "e.yaml").write_text(TEXT)
    return workspace


def test_a_sweep_from_the_first_run_to_the_second(tiny, lab):
    done = lab("run", "experiments/e.yaml", cwd=tiny)
    assert done.returncode == 0, done.stderr
    assert "[2/2] tiny_plain mxnet seed=0" in done.stdout
    table = rl.results(tiny / "results" / "e")
    assert table["status"].tolist() == ["ok", "ok"]
    assert (table["test_accuracy"] > 0.5).all()
    for column in (
        "train_loss",
        "train_accuracy",
        "val_accuracy",
        "best_epoch",
        "test_top5",
        "train_images_per_s_p10",
        "compute_images_per_s",
        "infer_images_per_s_p90",
        "latency_ms",
        "peak_memory_mb",
        "wall_s",
        "device",
        "compile",
        "threads",
        "processor",
        "python",
        "packages",
        "started",
    ):
        assert table[column].notna().all(), column
    assert (table["train_images_per_s_p10"] <= table["train_images_per_s"]).all()
    assert (table["train_images_per_s"] <= table["train_images_per_s_p90"]).all()
    assert "mxnet=1.9.1" in table["packages"][0]
    epochs = pd.read_csv(tiny / "results" / "e" / "epochs.csv")
    assert epochs.groupby("trial")["epoch"].apply(list).tolist() == [[1, 2, 3]] * 2
    assert epochs["val_accuracy"].notna().all()
    kept = {path.name for path in (tiny / "results" / "e" / "trials" / table["trial"][0]).iterdir()}
    assert kept == {"trial.json", "result.json", "epochs.json", "weights.safetensors", "log.txt"}

    before = (tiny / "results" / "e" / "trials.csv").read_bytes()
    again = lab("run", "experiments/e.yaml", cwd=tiny)
    assert again.returncode == 0
    assert "2 trials, 2 done already" in again.stdout
    assert (tiny / "results" / "e" / "trials.csv").read_bytes() == before
    assert again.stdout.splitlines()[-8:] == done.stdout.splitlines()[-8:]

    (tiny / "experiments" / "e.yaml").write_text(
        TEXT.replace("[tiny, tiny_plain]", "[tiny, tiny_plain]\nseeds: [0, 1]")
    )
    more = lab("run", "experiments/e.yaml", cwd=tiny)
    assert "4 trials, 2 done already" in more.stdout
    assert sorted(rl.results(tiny / "results" / "e")["seed"]) == [0, 0, 1, 1]


def test_two_runs_give_the_same_accuracies_and_fresh_runs_anew(tiny, lab):
    (tiny / "experiments" / "e.yaml").write_text(TEXT.replace(", tiny_plain", "") + "measure: false\n")
    first = rl.run("experiments/e.yaml", results="a")
    second = rl.run("experiments/e.yaml", results="b")
    columns = ["trial", "train_loss", "val_accuracy", "test_loss", "test_accuracy"]
    assert first[columns].equals(second[columns])
    again = lab("run", "experiments/e.yaml", "--results", "a", "--fresh", cwd=tiny)
    assert "1 trials, 1 done already" not in again.stdout
    fresh = rl.results("a/e")
    assert len(fresh) == 1
    assert fresh["started"][0] >= second["started"][0]
    assert fresh["test_loss"][0] == pytest.approx(first["test_loss"][0], rel=1e-6)


def test_failures_become_rows_and_the_sweep_goes_on(tiny, lab):
    """A rate that diverges, and a worker that dies, beside a trial that is fine."""
    text = TEXT.replace("[tiny, tiny_plain]", "[tiny]")
    (tiny / "experiments" / "e.yaml").write_text(text + "grid: {train.optimizer.lr: [1e38, 0.1]}\nmeasure: false\n")
    done = lab("run", "experiments/e.yaml", cwd=tiny)
    assert done.returncode == 1
    table = rl.results("results/e")
    assert table["status"].tolist() == ["diverged", "ok"]
    assert "training loss became" in table["reason"][0]
    assert "Traceback" not in done.stdout + done.stderr

    (tiny / "experiments" / "f.yaml").write_text(TEXT.replace("[tiny, tiny_plain]", "[tiny]"))
    broken = tiny / "site"
    (broken / "mxnet").mkdir(parents=True)  # what only the worker imports
    for code, status, told in [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "failed", "signal 11"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "failed", "killed by signal 9"),
        ("raise MemoryError('none left')", "out_of_memory", "MemoryError: none left"),
        ("raise RuntimeError('a fault')", "failed", "RuntimeError: a fault"),
        ("import os; os._exit(3)", "failed", "exit status 3"),
    ]:
        (broken / "mxnet" / "__init__.py").write_text(code)
        done = lab("run", "experiments/f.yaml", cwd=tiny, PYTHONPATH=f"{broken}{os.pathsep}{ROOT}")
        assert done.returncode == 1, done.stderr
        table = rl.results("results/f")
        assert (len(table), table["status"][0]) == (1, status)
        assert told in table["reason"][0]
    done = lab("run", "experiments/f.yaml", "--set", "measure=false", cwd=tiny)
    assert done.returncode == 0, done.stdout + done.stderr
    assert rl.results("results/f")["status"].tolist() == ["ok"]


def processes(folder) -> list[int]:
    """Workers that were started below this folder, by their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            ours = f"PWD={folder}\0".encode() in (entry / "environ").read_bytes()
            if ours and b"worker" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            pass
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_sweep_that_is_killed_loses_no_finished_trial_and_leaves_no_worker(tiny, lab):
    (tiny / "experiments" / "e.yaml").write_text(
        TEXT.replace("epochs: 3", "epochs: 40") + "seeds: [0, 1]\nmeasure: false\n"
    )
    environment = {**os.environ, "PWD": str(tiny)}
    run = subprocess.Popen(
        [sys.executable, "-m", "resnet_lab", "run", "experiments/e.yaml"],
        cwd=tiny,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in run.stdout:
        if line.startswith("[2/4]"):
            break
    time.sleep(4)
    run.send_signal(signal.SIGKILL)
    run.wait()
    deadline = time.time() + 30
    while processes(tiny) and time.time() < deadline:
        time.sleep(0.2)
    assert processes(tiny) == []
    table = rl.results("results/e")
    assert table["status"].tolist() == ["ok"]
    finished = table["started"][0]
    (tiny / "experiments" / "e.yaml").write_text(
        TEXT.replace("epochs: 3", "epochs: 40") + "seeds: [0]\nmeasure: false\n"
    )
    done = lab("run", "experiments/e.yaml", cwd=tiny)
    assert "2 trials, 1 done already" in done.stdout
    assert done.returncode == 0
    table = rl.results("results/e")
    assert table["status"].tolist() == ["ok", "ok"]
    assert finished in table["started"].tolist()


def test_a_trial_that_was_cut_off_goes_on_exactly(tiny, monkeypatch):
    """The loop in this process: stopped after its second epoch, then taken up from the checkpoint."""
    from resnet_lab.specs.experiment import load
    from resnet_lab.sweeps.plan import plan
    from resnet_lab.training import loop
    from resnet_lab.training.trial import Place, Trial
    from resnet_lab.weights import safetensors

    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 0.0)
    (trial,) = plan(load("experiments/e.yaml", ["variants=[tiny]", "measure=false"])).trials
    place = Place("cpu", "off" if trial.engine == "torch" else "hybridize", 1)

    def run(name, emit):
        (tiny / name).mkdir(exist_ok=True)
        return loop.run(Trial.from_json(json.loads(json.dumps(trial.to_json()))), place, tiny / name, False, emit)

    class Cut(Exception):
        pass

    def cut(event):
        if event["event"] == "step" and event["epoch"] == 3:
            raise Cut

    whole = run("whole", lambda event: None)
    with pytest.raises(Cut):
        run("parts", cut)
    assert (tiny / "parts" / "checkpoint.safetensors").is_file()
    events = []
    parts = run("parts", events.append)
    assert events[0] == {"event": "resumed", "epochs": 2}
    assert parts["test_loss"] == whole["test_loss"]
    one, other = (safetensors.load(tiny / name / "weights.safetensors") for name in ("whole", "parts"))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_the_same_network_under_two_names_is_trained_once(tiny, lab):
    (tiny / "variants" / "twin.yaml").write_text("extends: tiny\n")
    settings = ["--set", "variants=[tiny, twin]", "--set", "measure=false", "--set", "compile=off"]
    done = lab("run", "experiments/e.yaml", *settings, cwd=tiny)
    assert done.returncode == 0
    assert "compile off (asked for)" in done.stdout
    assert rl.results("results/e")["compile"].tolist() == ["off"]
    assert "twin is the same trial as tiny" in done.stdout
    planned = lab("run", "experiments/e.yaml", "--set", "variants=[tiny, twin]", "--dry-run", cwd=tiny)
    assert "e: 1 trials" in planned.stdout
    assert "twin is the same trial as tiny, which stands for both" in planned.stdout
    assert rl.results("results/e")["variant"].tolist() == ["tiny"]


def test_two_runs_in_one_folder_are_refused(tiny, lab):
    from filelock import FileLock

    (tiny / "results" / "e").mkdir(parents=True)
    with FileLock(tiny / "results" / "e" / ".lock"):
        done = lab("run", "experiments/e.yaml", cwd=tiny)
    assert done.returncode == 2
    assert done.stderr == (
        "resnet-lab: another run is writing to results/e; wait for it, or name another folder with --results\n"
    )
