"""What tests of executors share."""

import os
import time
from pathlib import Path

import pytest

from resnet_lab.weights import safetensors
from tests.conftest import any_engine

DATA = '''
"""Noise; a trial on it says which processes ran it, and may be slow, hang, or be killed."""

import os, signal, sys, time

import numpy as np
from resnet_lab.data import Dataset, InMemory, dataset
from helper import CLASSES

# A test that runs side by side with others is in such a process, too.
IN_WORKER = sys.argv[0] == "-c" and os.environ["THE_TEST"] != str(os.getpid())


@dataset("noise", shape=(1, 8, 8), classes=10, count=64)
def noise(trouble: str = "none", marks: str = "") -> Dataset:
    print("file", __file__)
    if IN_WORKER and marks:
        with open(f"{marks}/began", "a") as stream:
            stream.write(f"{os.getppid()}\\n")
    if IN_WORKER:
        time.sleep({"slow": 2, "hangs": 600}.get(trouble, 0))
    if IN_WORKER and trouble == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    rng = np.random.default_rng(0)
    parts = [InMemory(rng.integers(0, 256, (64, 1, 8, 8), np.uint8), np.arange(64) % CLASSES) for _ in range(2)]
    return Dataset("noise", tuple("0123456789"), *parts, (0.5,), (0.3,))
'''
VARIANT = """
input: 1x8x8
stem: {type: cifar, channels: 8}
stages:
  - {block: basic, repeat: 1, channels: 8}
head: {classes: 10, dropout: 0.2}
"""
EXPERIMENT = """
variants: [tiny]
datasets: [../own/noise.py]
data: {name: noise, marks: MARKS}
train: {epochs: 2, batch_size: 16, optimizer: {lr: 0.1}}
measure: false
engine: ENGINE
"""


@pytest.fixture
def tiny(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The experiment `e` on a net that trains in a moment, with a dataset and a helper module of the person's own."""
    monkeypatch.setenv("THE_TEST", str(os.getpid()))
    (workspace / "own").mkdir()
    (workspace / "own" / "noise.py").write_text(DATA)
    (workspace / "own" / "helper.py").write_text("CLASSES = 10\n")
    (workspace / "variants" / "tiny.yaml").write_text(VARIANT)
    text = EXPERIMENT.replace("MARKS", str(workspace)).replace("ENGINE", any_engine())
    (workspace / "experiments" / "e.yaml").write_text(text)
    return workspace


def parents(workspace: Path, count: int = 0) -> list[int]:
    """The processes that started the workers of the trials so far, in their order; waits until there are as many."""
    deadline = time.monotonic() + 120
    began = workspace / "began"
    while time.monotonic() < deadline:
        found = began.read_text().splitlines() if began.is_file() else []
        if len(found) >= count:
            return [int(line) for line in found]
        time.sleep(0.1)
    raise TimeoutError(f"{count} trials did not begin")


def assert_same(*results: str) -> None:
    """Check that the trials in two folders of results left the same files, with the same weights bit for bit."""
    folders = [sorted((Path(name) / "e" / "trials").iterdir()) for name in results]
    for ours, theirs in zip(*folders, strict=True):
        assert sorted(path.name for path in ours.iterdir()) == sorted(path.name for path in theirs.iterdir())
        mine, other = (safetensors.load(folder / "weights.safetensors") for folder in (ours, theirs))
        assert mine.keys() == other.keys()
        assert all(mine[name].tobytes() == other[name].tobytes() for name in mine)


COMMANDS = {
    "sbatch": """
job=$((100 + $(ls "$FAKE"/*.sh 2>/dev/null | wc -l)))
cp "$1" "$FAKE/$job.sh"
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\)%.*/\\1/p' "$1")
for task in $(seq 0 "${last:-0}"); do
    export SLURM_JOB_ID=$((100 * job + task))
    if [ -n "$last" ]; then export SLURM_ARRAY_JOB_ID=$job SLURM_ARRAY_TASK_ID=$task; fi
    bash "$FAKE/$job.sh" >"$FAKE/$SLURM_JOB_ID.log" 2>&1 &
done
echo "Submitted batch job $job"
""",
    "srun": 'shift 5; exec "$@"\n',
    "sacct": 'echo "JobID|State"\n',
    "scancel": "",
}


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """SLURM's commands as scripts that run each task of a job array on this machine; the folder of the jobs."""
    (tmp_path / "bin").mkdir()
    for name, text in COMMANDS.items():
        script = tmp_path / "bin" / name
        script.write_text(f"#!/bin/bash\n{text}")
        script.chmod(0o755)
    (tmp_path / "jobs").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE", str(tmp_path / "jobs"))
    return tmp_path / "jobs"
