"""The loop over epochs, written once for all engines: train, validate, keep a checkpoint, test, measure."""

from __future__ import annotations

import contextlib
import math
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import data, engines
from ..base import hardware
from ..base.files import write_json
from ..blocks.opaque import homes
from ..data.pipeline.pictures import OnDisk
from ..engines.contract import Diverged, Model
from ..specs import plugins
from ..weights import finetune, safetensors
from ..weights.pretrained import Pretrained, metadata
from . import checkpoint
from .epoch import train_epoch
from .evaluate import evaluate
from .throughput import rates, speeds
from .trial import Place, Trial

Emit = Callable[[dict[str, Any]], None]

CHECKPOINT = "checkpoint.safetensors"
"""What a trial goes on from; there until its result is."""

CHECKPOINT_EVERY = 60.0
"""Seconds between checkpoints to go on from; they are written where an epoch ends."""

_SETTLING = 3
"""Steps at the start of an epoch whose times are not counted."""


@dataclass(frozen=True)
class _Job:
    """A trial, and where it runs and is kept."""

    trial: Trial
    place: Place
    folder: Path
    measure: bool


def run(trial: Trial, place: Place, folder: Path, measure: bool, emit: Emit) -> dict[str, Any]:
    """Train and test one trial.

    Args:
        place: the device, the way of compiling and the threads.
        folder: the trial's own folder; checkpoints, epochs and weights are kept there.
        measure: whether to measure throughput after the training.
        emit: called with each event: a step (at most ten a second), an epoch, a checkpoint that was taken up.

    Returns:
        the columns of its results row that only running can tell; status `ok` or `diverged`.
    """
    job = _Job(trial, place, folder, measure)
    start = time.perf_counter()
    for file in trial.datasets:
        plugins.load_file(Path(file), (file, 1), "dataset")
    dataset = data.load_planned(trial.data, trial.seed)
    with contextlib.ExitStack() as stack:
        workers = _workers(job, dataset)
        feed = _feed(job, dataset, stack.enter_context(workers) if workers else None)
        return _trained(job, dataset, feed, emit, start)


def _workers(job: _Job, dataset: data.Dataset) -> data.Workers | None:
    """Processes that make batches; None where the loop makes its own.

    Unless it is said, one beside the CPU: it decodes faster than a CPU trains, and more would take the net's cores.
    """
    wanted = job.trial.data.workers
    if wanted is None:
        wanted = 0 if isinstance(dataset.train, data.InMemory) else 1 if job.place.device == "cpu" else hardware.cores()
    return data.Workers(wanted) if wanted else None


def _feed(job: _Job, dataset: data.Dataset, workers: data.Workers | None) -> data.Feed:
    return data.Feed(
        dataset.train,
        job.trial.train.batch_size,
        job.trial.seed,
        dataset.mean,
        dataset.std,
        job.trial.data.augment,
        len(dataset.classes),
        job.trial.data.damaged == "skip",
        workers,
    )


def _trained(job: _Job, dataset: data.Dataset, feed: data.Feed, emit: Emit, start: float) -> dict[str, Any]:
    for file in homes(job.trial.graph):
        plugins.load_file(Path(file), (file, 1))
    network = finetune.frozen(job.trial.graph, job.trial.train.freeze)
    model = engines.get(job.trial.engine).build(network, job.place.device, job.trial.precision, job.place.compile)
    loop = _Loop(job, model, dataset, feed, emit)
    result: dict[str, Any] = {"status": "ok", "reason": ""}
    try:
        loop.train()
    except Diverged as error:
        result = {"status": "diverged", "reason": str(error)}
    result |= loop.summary()
    if result["status"] == "ok":
        with model.averaged():
            result |= _tested(job, model, loop, dataset)
    if result["status"] == "ok" and job.measure:
        result |= _speeds(model, feed, job.trial.train.optimizer.lr)
    if feed.skip:
        result["skipped_images"] = len(feed.skipped)
        for name in sorted(feed.skipped):
            print(f"damaged, left out: {name}", file=sys.stderr)
    result["peak_memory_mb"] = model.peak_memory() / 2**20
    result["wall_s"] = loop.seconds_before + time.perf_counter() - start
    return result


def _tested(job: _Job, model: Model, loop: _Loop, dataset: data.Dataset) -> dict[str, Any]:
    """The columns of the test; saves the weights unless the losses say that the training diverged."""
    test = evaluate(model, loop.batches(dataset.test))
    columns = {"test_loss": test.loss, "test_accuracy": test.top1, "test_top5": test.top5}
    losses = {"training loss of the last epoch": loop.rows[-1]["train_loss"], "test loss": test.loss}
    for name, loss in losses.items():
        if not loss <= diverged_above(len(dataset.classes)):
            return {**columns, "status": "diverged", "reason": f"the {name} is {loss:.4g} after the last epoch"}
    safetensors.save(job.folder / "weights.safetensors", model.weights(), loop.metadata())
    return columns


def diverged_above(classes: int) -> float:
    """The loss above which a trial counts as diverged: a thousand times that of equal shares for all classes."""
    return 1000 * math.log(max(classes, 2))


def _speeds(model: Model, feed: data.Feed, rate: float) -> dict[str, Any]:
    """Throughput; a fault in measuring it takes nothing from a net that is trained and tested."""
    try:
        return speeds(model, next(iter(feed.epoch(0))), rate * 1e-3)
    except Exception as error:
        traceback.print_exc()
        return {"reason": f"trained and tested, but not measured: {type(error).__name__}: {error}"}


class _Loop:
    """Epochs from the last checkpoint to the end."""

    def __init__(self, job: _Job, model: Model, dataset: data.Dataset, feed: data.Feed, emit: Emit) -> None:
        self.job, self.model, self.dataset, self.feed, self.emit = job, model, dataset, feed, emit
        self.rows: list[dict[str, Any]] = []
        self.step_times: list[float] = []
        self.seconds_before = 0.0
        """Spent before this process took over, up to its checkpoint."""
        self._started = self._saved = time.perf_counter()

    def train(self) -> None:
        """Raises Diverged."""
        trial = self.job.trial
        self.model.prepare(trial.train.optimizer, trial.train.clip_norm, trial.train.ema)
        if not self._resume():
            content = trial.contents.get("train.init.weights", "")
            self.model.load(finetune.starting_weights(trial.graph, trial.seed, trial.train.init, content))
        for epoch in range(len(self.rows), self.job.trial.train.epochs):
            self._epoch(epoch)
            if time.perf_counter() - self._saved > CHECKPOINT_EVERY:
                self._save()

    def _epoch(self, epoch: int) -> None:
        steps, train = self.feed.steps, self.job.trial.train
        learning_rates = train.rates(epoch, steps)
        watch = _Watch(epoch, steps, learning_rates, self.emit)
        score = train_epoch(
            self.model,
            self.feed.epoch(epoch),
            learning_rates,
            self.job.trial.seed * 100_003 + epoch,
            watch,
            train.label_smoothing,
        )
        self.step_times += watch.times[_SETTLING:]
        row = {
            "epoch": epoch + 1,
            "lr": learning_rates[-1],
            "train_loss": score.loss,
            "train_accuracy": score.top1,
            "seconds": score.seconds,
            "images_per_s": score.count / score.seconds,
        }
        if self.dataset.validation is not None:
            with self.model.averaged():
                validation = evaluate(self.model, self.batches(self.dataset.validation))
            row |= {"val_loss": validation.loss, "val_accuracy": validation.top1}
        self.rows.append(row)
        write_json(self.job.folder / "epochs.json", self.rows)
        self.emit({"event": "epoch", **row})

    def batches(self, split: data.Pictures) -> Any:
        """Batches to score the model on."""
        feed = self.feed
        return data.evaluation_batches(
            *(split, feed.batch_size, feed.mean, feed.std), skip=feed.skip, workers=feed.workers, skipped=feed.skipped
        )

    def summary(self) -> dict[str, Any]:
        """Columns from the epochs: the last one's training figures, and the best by validation."""
        columns: dict[str, Any] = {"epochs_done": len(self.rows)}
        if self.rows:
            last = self.rows[-1]
            columns |= {"train_loss": last["train_loss"], "train_accuracy": last["train_accuracy"]}
            if "val_accuracy" in last:
                best = max(self.rows, key=lambda row: row["val_accuracy"])
                columns |= {
                    "val_accuracy": last["val_accuracy"],
                    "best_val_accuracy": best["val_accuracy"],
                    "best_epoch": best["epoch"],
                }
        if self.step_times:
            columns |= rates(self.step_times, self.job.trial.train.batch_size, "train")
        return columns

    def metadata(self) -> dict[str, str]:
        """What a file of weights says of itself."""
        data = self.dataset
        shown = data.test.crop if isinstance(data.test, OnDisk) else 1.0
        name = self.job.trial.variant
        return metadata(Pretrained(name, self.job.trial.graph, {}, "", data.classes, data.mean, data.std, shown))

    def _save(self) -> None:
        arrays = self.model.weights() | {
            f"optimizer:{name}": array for name, array in self.model.optimizer_state().items()
        }
        seconds = self.seconds_before + time.perf_counter() - self._started
        safetensors.save(self.job.folder / CHECKPOINT, arrays, {"epochs": str(len(self.rows)), "seconds": str(seconds)})
        self._saved = time.perf_counter()

    def _resume(self) -> bool:
        """Take up the checkpoint, if there is a whole one."""
        kept, problem = checkpoint.read(self.job.folder / CHECKPOINT, self.job.folder / "epochs.json")
        if problem:
            self.emit({"event": "note", "text": problem})
        if kept is None:
            for stale in ("epochs.json", "weights.safetensors"):
                (self.job.folder / stale).unlink(missing_ok=True)
            return False
        arrays, self.rows, self.seconds_before = kept.arrays, kept.rows, kept.seconds
        self.model.load({name: array for name, array in arrays.items() if not name.startswith("optimizer:")})
        self.model.load_optimizer_state(
            {name.removeprefix("optimizer:"): array for name, array in arrays.items() if name.startswith("optimizer:")}
        )
        self.emit({"event": "resumed", "epochs": len(self.rows)})
        return True


class _Watch:
    """Takes the time of each step, and tells of steps ten times a second."""

    def __init__(self, epoch: int, steps: int, learning_rates: list[float], emit: Emit) -> None:
        self.epoch, self.steps, self.learning_rates, self.emit = epoch, steps, learning_rates, emit
        self.times: list[float] = []
        self.done, self.mean_loss = 0, math.nan
        self._last = self._told = time.perf_counter()

    def __call__(self, images: int, loss: float) -> None:
        now = time.perf_counter()
        self.times.append(now - self._last)
        self._last = now
        self.mean_loss = loss if self.done == 0 else 0.9 * self.mean_loss + 0.1 * loss
        self.done += 1
        if now - self._told > 0.1 or self.done == self.steps:
            self._told = now
            self.emit(
                {
                    "event": "step",
                    "epoch": self.epoch + 1,
                    "step": self.done,
                    "steps": self.steps,
                    "loss": self.mean_loss,
                    "images_per_s": images / float(np.median(self.times[-20:])),
                }
            )
