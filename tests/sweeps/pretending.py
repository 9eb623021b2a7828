"""What tests of sweeps need to start no worker: a small block, and executors that train here or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from resnet_lab.base.files import write_json
from resnet_lab.specs.experiment import load
from resnet_lab.sweeps.executors import Ended, Event, Work
from resnet_lab.sweeps.progress import Silent
from resnet_lab.sweeps.run import run
from resnet_lab.sweeps.worker import perform
from resnet_lab.training.trial import Trial
from tests.specs.writing import BLOCK

MINE = BLOCK.replace("{options}", "")


class Pretender:
    """One trial at a time; `outcome` gives a trial's result, and `began` holds the variant and the seed of each."""

    capacity = 1

    def __init__(self, outcome: Callable[[Trial], dict[str, object]]) -> None:
        self.outcome, self.began = outcome, []

    def start(self, work: Work) -> None:
        self.work = work
        self.began.append((work.trial.variant, work.trial.seed))

    def next(self, timeout: float | None = None) -> Ended:
        trial = self.work.trial
        speed = {f"train_images_per_s{end}": 100.0 for end in ("", "_p10", "_p90")}
        place = {"device": "cpu", "compile": "off", "threads": 1, "processor": "a", "started": f"{len(self.began):04d}"}
        result = {"status": "ok", "reason": "", "wall_s": 1.0, **speed, **place, **self.outcome(trial)}
        write_json(self.work.folder / "result.json", trial.labels() | result)
        write_json(self.work.folder / "epochs.json", [{"epoch": 1, "train_loss": 1.0}])
        return Ended(self.work)

    def end(self, trial: str) -> None: ...
    def stop(self) -> None: ...


class InThisProcess:
    """Trains in this process, where the frameworks are imported already; the reports come when a trial has ended."""

    capacity = 1

    def start(self, work: Work) -> None:
        self._work, self._reports = work, [Event(work, {"event": "started"})]

    def next(self, timeout: float | None = None) -> Ended | Event:
        if not self._reports:
            sent = Work.from_json(json.loads(json.dumps(self._work.to_json())))
            perform(sent, lambda content: self._reports.append(Event(self._work, content)))
            self._reports.append(Ended(self._work))
        return self._reports.pop(0)

    def end(self, trial: str) -> None: ...
    def stop(self) -> None: ...


def accuracies(gain: float) -> Callable[[Trial], dict[str, object]]:
    """Outcomes of trials whose accuracy is 0.8 in CIFAR ResNet-20, and higher by `gain` in others; the seeds differ."""
    return lambda trial: {"test_accuracy": 0.8 + trial.seed / 1000 + gain * (trial.variant != "cifar_resnet20")}


class Pretend:
    """An executor that trains nothing: two trials at once, each with the outcome that `outcomes` names by variant."""

    capacity = 2

    def __init__(self, **outcomes):
        self.outcomes, self.running, self.most, self.order = outcomes, [], 0, []

    def start(self, work):
        self.running.append(work)
        self.order.append((work.trial.variant, work.trial.seed))
        self.most = max(self.most, len(self.running))

    def next(self, timeout=None):
        work = self.running.pop()
        status = self.outcomes.get(work.trial.variant, "ok")
        if status == "dies":
            return Ended(work, "failed", "the worker ended with signal 11")
        figures = {"test_accuracy": self.accuracy(work.trial), "wall_s": 1.0} if status == "ok" else {}
        result = {"status": status, "reason": "", "started": "2026-01-01T00:00:00Z", **figures}
        write_json(work.folder / "result.json", work.trial.labels() | result)
        write_json(work.folder / "epochs.json", [{"epoch": 1, "train_loss": 1.0}])
        (work.folder / "weights.safetensors").write_text(" ".join(map(str, self.order)))
        return Ended(work)

    def accuracy(self, trial):
        return 0.5

    def end(self, trial): ...

    def stop(self):
        self.running.clear()


class Notes(Silent):
    def __init__(self):
        self.lines = []

    def note(self, text):
        self.lines.append(text)


def sweep(*settings, executor=None, **options):
    """Run e.yaml on an executor that trains nothing; returns the table and the notes."""
    notes = Notes()
    options = {"executor": executor or Pretend(), "warn_if_busy": False, **options}
    table = run(load("experiments/e.yaml", settings), Path("results/e"), notes, **options)
    return table, notes.lines
