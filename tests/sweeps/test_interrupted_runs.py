"""Runs that are killed, stopped with Ctrl-C or cut off: nothing that has ended is lost, and the rest goes on."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab.specs.experiment import load
from tests.sweeps.conftest import TEXT
from tests.sweeps.pretending import sweep


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


def interrupt(folder, end, words, until):
    """Start a run in a session of its own, send it the signal `end` once it prints `until`, and wait for its workers.

    Returns:
        Its exit status and what it printed on standard error.
    """
    run = subprocess.Popen(
        [sys.executable, "-m", "resnet_lab", "run", *words],
        cwd=folder,
        env={**os.environ, "PWD": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    seen = []
    for line in run.stdout:
        seen.append(line)
        if until(seen):
            break
    assert until(seen), "".join(seen) + run.stderr.read()
    os.killpg(run.pid, end)
    _, errors = run.communicate()
    deadline = time.time() + 30
    while processes(folder) and time.time() < deadline:
        time.sleep(0.2)
    assert processes(folder) == []
    return run.returncode, errors


def in_the_middle_of(trial):
    """Whether the trial of that number has finished an epoch."""

    def reached(lines):
        begun = [index for index, line in enumerate(lines) if line.startswith(f"[{trial}/")]
        return bool(begun) and any(line.startswith("  epoch 1/") for line in lines[begun[0] :])

    return reached


LONG = TEXT.replace("epochs: 3", "epochs: 12") + "measure: false\n"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@on_linux
@pytest.mark.usefixtures("trains_here")
def test_a_sweep_that_is_killed_loses_no_finished_trial_and_leaves_no_worker(tiny, lab):
    (tiny / "experiments" / "e.yaml").write_text(LONG + "seeds: [0, 1]\n")
    interrupt(tiny, signal.SIGKILL, ["experiments/e.yaml"], in_the_middle_of(2))
    table = rl.results("results/e")
    assert table["status"].tolist() == ["ok"]
    finished = table["started"][0]
    (tiny / "experiments" / "e.yaml").write_text(LONG + "seeds: [0]\n")
    done = lab("run", "experiments/e.yaml", cwd=tiny)
    assert "2 trials, 1 done already" in done.stdout
    assert done.returncode == 0
    table = rl.results("results/e")
    assert table["status"].tolist() == ["ok", "ok"]
    assert finished in table["started"].tolist()


@on_linux
def test_ctrl_c_ends_with_130_and_says_that_the_work_is_kept(tiny):
    (tiny / "experiments" / "e.yaml").write_text(LONG)
    code, errors = interrupt(tiny, signal.SIGINT, ["experiments/e.yaml"], in_the_middle_of(1))
    assert code == 130
    assert errors == ("resnet-lab: stopped; what has finished is kept, and the same command goes on from there\n")


@on_linux
def test_a_fresh_run_that_is_killed_keeps_the_old_result(tiny, lab):
    (tiny / "experiments" / "e.yaml").write_text(LONG.replace("[tiny, tiny_plain]", "[tiny]"))
    table, _ = sweep()
    folder = tiny / "results" / "e" / "trials" / table["trial"][0]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    interrupt(tiny, signal.SIGKILL, ["experiments/e.yaml", "--fresh"], in_the_middle_of(1))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    again = lab("run", "experiments/e.yaml", cwd=tiny)
    assert "1 trials, 1 done already" in again.stdout
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_trial_that_was_cut_off_goes_on_exactly(tiny, monkeypatch):
    """The loop in this process: stopped after its second epoch, then taken up from the checkpoint."""
    from resnet_lab.sweeps.plan import plan
    from resnet_lab.training import checkpoint, loop
    from resnet_lab.training.trial import Place, Trial
    from resnet_lab.weights import safetensors

    monkeypatch.setattr(checkpoint, "SHARE", math.inf)
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

    with pytest.raises(Cut):
        run("damaged", cut)
    path = tiny / "damaged" / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    events.clear()
    anew = run("damaged", events.append)
    assert events[0]["event"] == "note"
    assert f"the checkpoint {path} is damaged" in events[0]["text"]
    assert (anew["test_loss"], anew["epochs_done"]) == (whole["test_loss"], 3)
    one, other = (safetensors.load(tiny / name / "weights.safetensors") for name in ("whole", "parts"))
    assert all(np.array_equal(one[name], other[name]) for name in one)
