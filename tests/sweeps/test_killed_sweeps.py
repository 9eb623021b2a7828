"""A sweep that is killed again and again ends with the table of an undisturbed one."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import resnet_lab as rl
from resnet_lab.results.columns import COST, WHERE
from tests.conftest import any_engine

EXPERIMENT = """
variants: [tiny]
data: {{name: digits, size: 8, limit: 64}}
train: {{epochs: 2, batch_size: 16, optimizer: {{lr: 0.1}}}}
measure: false
seeds: {seeds}
"""


def killed(folder: Path, words: list[str], lines: int, delay: float) -> bool:
    """Start a run, and kill it with SIGKILL some seconds after a number of lines; whether it was killed in time."""
    process = subprocess.Popen(
        [sys.executable, "-m", "resnet_lab", "run", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    for _, _ in zip(range(lines), process.stdout, strict=False):
        pass
    time.sleep(delay)
    in_time = process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return in_time


def finished(results: Path) -> dict[str, int]:
    """When the result of each trial was written, in nanoseconds."""
    return {path.parent.name: path.stat().st_mtime_ns for path in results.glob("trials/*/result.json")}


@pytest.mark.usefixtures("trains_here")
@pytest.mark.parametrize(("seeds", "kills", "jobs"), [(4, 1, "2"), pytest.param(30, 20, "2", marks=pytest.mark.slow)])
def test_every_trial_is_in_the_table_once_and_none_is_trained_again(workspace, lab, seeds, kills, jobs):
    """The runs that are killed have workers; the undisturbed one and the last one train in this process."""
    (workspace / "variants" / "tiny.yaml").write_text(
        "stem: {type: cifar, channels: 8}\nstages:\n  - {block: basic, repeat: 1, channels: 8}\nhead: {classes: 10}\n"
    )
    (workspace / "experiments" / "e.yaml").write_text(EXPERIMENT.format(seeds=seeds))
    words = ["experiments/e.yaml", "--engine", any_engine(), "--threads", "1"]
    undisturbed = lab("run", *words, "--results", "whole", cwd=workspace)
    assert undisturbed.returncode == 0, undisturbed.stdout + undisturbed.stderr

    chance, ended, before, hits = random.Random(0), Path("results/e"), {}, 0
    for _ in range(kills):
        # A run prints 2 lines before its trials, and 3 or 4 for each.
        hits += killed(workspace, [*words, "--jobs", jobs], chance.randrange(3, 9), chance.uniform(0, 0.3))
        now = finished(ended)
        assert {trial: now[trial] for trial in before} == before
        before = now
    assert hits >= kills / 2
    done = lab("run", *words, "--jobs", jobs, cwd=workspace)
    assert done.returncode == 0, done.stdout + done.stderr
    now = finished(ended)
    assert {trial: now[trial] for trial in before} == before

    tables = [rl.results(Path(folder) / "e").sort_values("seed", ignore_index=True) for folder in ("whole", "results")]
    assert tables[1]["seed"].tolist() == list(range(seeds))
    of_machine = {*COST, *WHERE}
    kept = [table.drop(columns=[name for name in table if name in of_machine]) for table in tables]
    pd.testing.assert_frame_equal(kept[0], kept[1])
