"""Several trials at once, in workers that are kept: each is as in a process of its own, and none costs another."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.run import run
from resnet_lab.weights import safetensors
from tests.conftest import any_engine, engine_or_skip
from tests.sweeps.pretending import InThisProcess, Notes

DATA = '''
import os, signal, time

import numpy as np

from resnet_lab.data import Dataset, InMemory, dataset

IN_WORKER = os.environ["THE_TEST"] != str(os.getpid())


@dataset("troubled", shape=(1, 8, 8), classes=10, count=64)
def troubled(trouble: str = "none") -> Dataset:
    """Noise; a worker that reads it meets the trouble."""
    if IN_WORKER:
        print("process", os.getpid(), flush=True)
        if trouble == "segfault" or (trouble == "once" and not os.path.exists("once")):
            open("once", "w").close()
            os.kill(os.getpid(), signal.SIGSEGV)
        if trouble == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if trouble == "memory":
            held = np.ones(1 << 27)
            time.sleep(60)
        if trouble == "hangs":
            time.sleep(600)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (64, 1, 8, 8), np.uint8) for _ in range(2)]
    labels = np.arange(64) % 10
    train, test = (InMemory(part, labels) for part in images)
    return Dataset("troubled", list("0123456789"), train, test, (0.5,), (0.3,))
'''
EXPERIMENT = """
variants: [tiny]
datasets: [../troubled.py]
data: {name: troubled}
train: {epochs: 2, batch_size: 16, optimizer: {lr: 0.1}}
measure: false
"""


@pytest.fixture
def troubled(workspace, monkeypatch):
    monkeypatch.setenv("THE_TEST", str(os.getpid()))
    (workspace / "troubled.py").write_text(DATA)
    (workspace / "variants" / "tiny.yaml").write_text(
        "input: 1x8x8\nstem: {type: cifar, channels: 8}\n"
        "stages:\n  - {block: basic, repeat: 1, channels: 8}\nhead: {classes: 10, dropout: 0.2}\n"
    )
    (workspace / "experiments" / "e.yaml").write_text(EXPERIMENT)
    return workspace


def sweep(*settings, **options):
    notes = Notes()
    engine = options.pop("engine", None) or any_engine()
    results = Path(options.pop("results", "results")) / "e"
    table = run(load("experiments/e.yaml", [f"engine={engine}", *settings]), results, notes, **options)
    return table, notes.lines


def logs(table, results="results"):
    return [(Path(results) / "e" / "trials" / trial / "log.txt").read_text() for trial in table["trial"]]


def test_every_trouble_is_a_row_with_its_reason_and_costs_no_other_trial(troubled):
    troubles = ["segfault", "killed", "memory"]
    limits = "limits={memory: 1GiB, retries: 0}"
    table, _ = sweep(f"grid={{data.trouble: [none, {', '.join(troubles)}]}}", limits, jobs=2)
    assert table["data.trouble"].tolist() == ["none", *troubles]
    assert table["status"].tolist() == ["ok", "failed", "failed", "out_of_memory"]
    for reason, told in zip(
        table["reason"][1:], ["signal 11", "killed by signal 9", "more than 'limits.memory' (1024 MiB)"], strict=True
    ):
        assert told in reason
    # A limit that a trial without trouble may exceed on a slow machine, too: that trial is done already.
    table, _ = sweep("grid={data.trouble: [none, hangs]}", "limits={trial: 4s, retries: 0}")
    assert table["status"].tolist() == ["ok", "timed_out"]
    assert "'limits.trial'" in table["reason"][1]
    table, _ = sweep("grid={train.optimizer.lr: [0.1, 1e38]}", executor=InThisProcess())
    assert table["status"].tolist() == ["ok", "diverged"]
    assert "loss became" in table["reason"][1]


def test_a_trial_whose_worker_crashed_is_tried_again(troubled):
    table, notes = sweep("data.trouble=once")
    assert table["status"].tolist() == ["ok"]
    assert any("signal 11" in note and note.endswith("it is tried again") for note in notes)


@pytest.mark.parametrize("engine", ["mxnet", pytest.param("torch", marks=pytest.mark.slow)])
def test_a_worker_that_is_kept_gives_what_a_new_one_gives(troubled, engine):
    """Two trials in one process; the second has the weights, bit for bit, that it has in a process of its own."""
    engine_or_skip(engine)
    both, _ = sweep("seeds=[0, 1]", engine=engine, results="both")
    alone, _ = sweep("seeds=[1]", engine=engine, results="alone")
    processes = [re.findall(r"process (\d+)", text) for text in logs(both, "both")]
    assert len(processes[0]) == 1
    assert processes[0] == processes[1]
    kept, new = (
        safetensors.load(Path(results) / "e" / "trials" / alone["trial"][0] / "weights.safetensors")
        for results in ("both", "alone")
    )
    assert kept.keys() == new.keys()
    assert all(np.array_equal(kept[name], new[name]) for name in new)
    assert both["test_loss"][1] == alone["test_loss"][0]


def test_trials_that_run_at_once_have_processes_of_their_own_and_share_the_cores(troubled):
    table, notes = sweep("seeds=[0, 1, 2, 3]", jobs=2)
    assert table["status"].eq("ok").all()
    processes = {pid for text in logs(table) for pid in re.findall(r"process (\d+)", text)}
    assert len(processes) == 2
    assert any(note.endswith("2 trials at once") for note in notes)
    assert table["seed"].tolist() == [0, 1, 2, 3]
