"""A sweep of many trials with an engine that computes nothing: what the sweep itself takes in time and memory.

    python -m tests.sweeps.large_sweep 10000 FOLDER

plans, runs, resumes and looks at a sweep of 10,000 trials in FOLDER, and prints what each step took as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from resnet_lab import engines
from resnet_lab.base import hardware
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.progress import Silent
from resnet_lab.sweeps.run import run
from resnet_lab.training.trial import Trial
from tests.sweeps.pretending import InThisProcess

VARIANTS = 10

DATASET = """
import numpy as np
from resnet_lab.data import Dataset, Split, dataset

@dataset("eight", shape=(3, 8, 8), classes=10, count=8)
def eight():
    part = Split(np.zeros((8, 3, 8, 8), np.uint8), np.arange(8, dtype=np.int32))
    return Dataset("eight", tuple("abcdefghij"), part, part, (0.0,) * 3, (1.0,) * 3)
"""


class Clock(Silent):
    """Takes the time at the end of each trial."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def result(self, trial: Trial, row: Any) -> None:
        self.times.append(time.perf_counter())


def furnish(folder: Path, trials: int) -> Path:
    """Write an experiment of that many trials: 10 variants, a grid of learning rates, seeds; returns its file."""
    rates = 100 if trials >= 10_000 else 10
    for name in ("variants", "experiments"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for index in range(VARIANTS):
        (folder / "variants" / f"net{index}.yaml").write_text(
            f"stem: {{type: cifar, channels: 4}}\nstages:\n  - {{block: basic, repeat: 1, channels: {4 + index}}}\n"
            "head: {classes: 10}\n"
        )
    (folder / "experiments" / "eight.py").write_text(DATASET)
    names = ", ".join(f"net{index}" for index in range(VARIANTS))
    grid = ", ".join(f"{0.001 * (1 + index):.3f}" for index in range(rates))
    file = folder / "experiments" / "many.yaml"
    file.write_text(
        f"variants: [{names}]\ndatasets: [eight.py]\ndata: {{name: eight}}\ntrain: {{epochs: 2, batch_size: 4}}\n"
        f"engine: nothing\nmeasure: false\nseeds: {trials // (VARIANTS * rates)}\n"
        f"grid: {{train.optimizer.lr: [{grid}]}}\n"
    )
    return file


def timed(*words: str) -> float:
    """The seconds that a command line takes, with the engine `nothing`."""
    code = (
        "import sys; from resnet_lab import engines; engines.add('nothing', 'tests.engines.nothing'); "
        f"sys.argv = ['resnet-lab', *{words!r}]; from resnet_lab.cli.app import main; main()"
    )
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main(trials: int, folder: Path) -> dict[str, float]:
    """Run the sweep in `folder`; returns seconds, and the peak of resident memory in MB."""
    os.environ["PYTHONPATH"] = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])
    engines.add("nothing", "tests.engines.nothing")
    os.fsync = lambda stream: None  # trials that compute nothing would all wait for the disk
    hardware.forget_peak = lambda: None  # the peak of all trials is wanted, not that of the last
    file = furnish(folder, trials)
    os.chdir(folder)
    found = {"dry_run": timed("run", str(file), "--dry-run")}
    clock, begin = Clock(), time.perf_counter()
    run(load(file), Path("results/many"), clock, executor=InThisProcess())
    third = len(clock.times) // 3
    found |= {
        "run": time.perf_counter() - begin,
        "first_third": clock.times[third - 1] - clock.times[0],
        "last_third": clock.times[-1] - clock.times[-third],
        "memory_mb": hardware.peak_resident() / 2**20,
    }
    found["resume"] = timed("run", str(file))
    found["status"] = timed("status", "results/many")
    return found


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), Path(sys.argv[2]).resolve()), indent=1))
