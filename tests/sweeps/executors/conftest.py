"""What tests of executors share."""

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

IN_WORKER = sys.argv[0] == "-c"


@dataset("noise", shape=(1, 8, 8), classes=10, count=64)
def noise(trouble: str = "none", marks: str = "") -> Dataset:
    print("file", __file__)
    if IN_WORKER and marks:
        with open(f"{marks}/began", "a") as stream:
            stream.write(f"{os.getppid()}\\n")
    if IN_WORKER:
        time.sleep({"slow": 3, "hangs": 600}.get(trouble, 0))
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
def tiny(workspace: Path) -> Path:
    """The experiment `e` on a net that trains in a moment, with a dataset and a helper module of the person's own."""
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
