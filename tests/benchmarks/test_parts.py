"""The parts of resnet-lab, each by itself: `make bench` keeps the times and compares them with those of the last run.

Nothing here is compared with another program, and no time is asserted: a slow-down shows in the printed table.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import resnet_lab as rl
from resnet_lab import data, engines
from resnet_lab.data import AugmentSpec
from resnet_lab.network.initial import initial
from resnet_lab.results.compare import compare
from resnet_lab.results.csv_file import TABLE
from resnet_lab.results.report.write import report
from resnet_lab.results.store import read
from resnet_lab.specs.experiment import load
from resnet_lab.specs.optimizers import Sgd
from resnet_lab.sweeps.progress import Silent
from resnet_lab.sweeps.run import run
from resnet_lab.training.epoch import train_epoch
from tests.conftest import engine_or_skip
from tests.sweeps.large_sweep import InThisProcess, furnish

ROWS = 10_000
"""The number of trials of the table that the results are measured on."""


def test_graph(benchmark):
    """From the YAML file to the network as data: ResNet-152."""
    benchmark(rl.graph, "resnet152")


def test_describe(benchmark):
    """A whole process: `resnet-lab describe resnet152`."""
    words = [sys.executable, "-m", "resnet_lab", "describe", "resnet152"]
    benchmark.pedantic(lambda: subprocess.run(words, check=True, capture_output=True), rounds=5)


@pytest.fixture(params=["mxnet", "torch"])
def model(request):
    """CIFAR ResNet-20 on the CPU with an engine, ready to train, and a batch of 128 images with labels."""
    engine_or_skip(request.param)
    graph = rl.graph("cifar_resnet20")
    made = engines.get(request.param).build(graph, "cpu")
    made.load(initial(graph, 0))
    made.prepare(Sgd(momentum=0.9))
    draw = np.random.default_rng(0)
    images = draw.standard_normal((128, 3, 32, 32)).astype(np.float32)
    return made, (images, draw.integers(0, 10, 128).astype(np.int32))


def test_forward(benchmark, model):
    """Inference on one batch."""
    made, (images, _) = model
    benchmark.pedantic(made.predict, (images,), rounds=20, warmup_rounds=3)


def test_training_step(benchmark, model):
    """Forward, backward and update on one batch: the time of five steps."""
    made, batch = model
    benchmark.pedantic(
        lambda: train_epoch(made, [batch] * 5, [0.01] * 5, 0, lambda images, loss: None), rounds=8, warmup_rounds=2
    )


def test_input(benchmark):
    """An epoch of 5,000 images of 32 pixels in memory: order, padded crops, flips and batches."""
    draw = np.random.default_rng(0)
    images, labels = draw.integers(0, 256, (5000, 3, 32, 32), np.uint8), draw.integers(0, 10, 5000).astype(np.int32)
    feed = data.Feed(data.InMemory(images, labels), 128, 0, (0.5,) * 3, (0.25,) * 3, AugmentSpec(flip=True, pad_crop=4))
    benchmark.pedantic(lambda: list(feed.epoch(0)), rounds=8, warmup_rounds=1)


def test_sweep_overhead(benchmark, tmp_path, monkeypatch):
    """What a sweep adds to 100 trials that compute nothing."""
    monkeypatch.setitem(engines._MODULES, "nothing", "tests.engines.nothing")
    file = furnish(tmp_path, 100)
    monkeypatch.chdir(tmp_path)
    count = iter(range(100))

    def sweep() -> None:
        run(load(file), Path(f"results/{next(count)}"), Silent(), executor=InThisProcess(), warn_if_busy=False)

    benchmark.pedantic(sweep, rounds=3)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The table of 10,000 trials: 10 variants, 100 learning rates and 10 seeds."""
    folder = tmp_path_factory.mktemp("results")
    number = np.arange(ROWS)
    draw = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "trial": [f"{index:012x}" for index in number],
            "variant": [f"net{index // 1000}" for index in number],
            "blocks": "basic",
            "params": 1000 + number // 1000,
            "macs": 2000 + number // 1000,
            "data": "digits",
            "input": "3x32x32",
            "epochs": 2,
            "dtype": "float32",
            "seed": number % 10,
            "setting": [f"{index // 10:012x}" for index in number],
            "train.optimizer.lr": (number // 10 % 100 + 1) / 1000,
            "status": "ok",
            "test_accuracy": draw.uniform(0.5, 1, ROWS),
            "train_images_per_s": draw.uniform(90, 110, ROWS),
            "device": "cpu",
        }
    )
    table.to_csv(folder / TABLE, index=False)
    return folder


@pytest.mark.parametrize("asked", [{}, {"by": "variant"}, {"pivot": "variant,train.optimizer.lr"}], ids=str)
def test_comparing_10_000_trials(benchmark, results, asked):
    """From `trials.csv` to the compared table."""
    benchmark.pedantic(lambda: compare(read(results), paths=[results], **asked), rounds=3)


def test_reporting_on_10_000_trials(benchmark, results, tmp_path):
    """From `trials.csv` to the HTML file."""
    benchmark.pedantic(lambda: report([results], tmp_path / "report.html"), rounds=2)
