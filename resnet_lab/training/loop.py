"""Train and test one trial: the loop over epochs, which is the same for all engines."""

from __future__ import annotations

import contextlib
import math
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import data, engines
from ..base import hardware
from ..base.files import write_json
from ..blocks.opaque import homes
from ..data.pipeline.pictures import OnDisk
from ..engines.contract import Diverged, Model, Rank
from ..specs import plugins
from ..weights import finetune, safetensors
from ..weights.pretrained import Pretrained, metadata
from . import checkpoint
from .checkpoint import EPOCHS
from .epoch import train_epoch
from .evaluate import Outcome, evaluate, save_images
from .throughput import rates, speeds
from .trial import Place, Trial
from .watch import Emit, StepWatch

WEIGHTS = "weights.safetensors"
"""The file of the trained weights in the folder of the trial."""

TEST = "test.npz"
"""The file in the folder of the trial that says which test images it got right; results/images.py reads it."""

_FIRST_STEPS = 3
"""The steps at the start of each epoch whose times are left out of the throughput: they also fill the pipeline."""


@dataclass(frozen=True)
class _Job:
    """The arguments of `run` that say what is trained, where, and until when."""

    trial: Trial
    place: Place
    folder: Path
    measure: bool
    rank: Rank | None
    until: int | None

    @property
    def leads(self) -> bool:
        """Whether this process evaluates the network and writes files: of several processes, the first does."""
        return self.rank is None or self.rank.number == 0


def run(
    trial: Trial,
    place: Place,
    folder: Path,
    measure: bool,
    emit: Emit,
    rank: Rank | None = None,
    until: int | None = None,
) -> dict[str, Any]:
    """Train and test one trial.

    Args:
        trial: the trial, with its network, data, recipe, engine, precision and seed.
        place: the device, the compile mode and the number of threads.
        folder: the folder of the trial; the checkpoint, the rows of the epochs and the weights are written there.
        measure: whether to measure throughput after the training.
        emit: called with each event: a step (at most ten a second), the end of an epoch, a checkpoint from which the
            trial continues, a note for the user.
        rank: the place of this process if several train the trial together, each with `place` for its own device
            (group.py); the first evaluates the network and writes the files.
        until: the number of epochs after which the trial stops before its end; the next call goes on from there.

    Returns:
        The columns of the trial's row in the results that the training determines, with the status `ok`, `diverged`,
        or `stopped`: the trial has a checkpoint, but was not tested.

    Raises:
        LabError: the data, a plug-in file or the weights to start from cannot be used, or the engine cannot run here.
    """
    job = _Job(trial, place, folder, measure, rank, until)
    start = time.perf_counter()
    for file in trial.datasets:
        plugins.load_file(Path(file), (file, 1), "dataset")
    dataset = data.load_planned(trial.data, trial.seed)
    with contextlib.ExitStack() as stack:
        if trial.deterministic:
            stack.enter_context(engines.get(trial.engine).deterministic())
        workers = _workers(job, dataset)
        feed = _feed(job, dataset, stack.enter_context(workers) if workers else None)
        return _trained(job, dataset, feed, emit, start)


def _workers(job: _Job, dataset: data.Dataset) -> data.Workers | None:
    """Start the processes that make batches; returns None if this process makes them itself.

    For encoded images and a CPU the default is one process: it decodes faster than a CPU trains, and further processes
    would take cores away from the training.
    """
    wanted = job.trial.data.workers
    if wanted is None:
        share = hardware.threads(job.rank.count if job.rank else 1)
        wanted = 0 if isinstance(dataset.train, data.InMemory) else 1 if job.place.device == "cpu" else share
    return data.Workers(wanted) if wanted else None


def _feed(job: _Job, dataset: data.Dataset, workers: data.Workers | None) -> data.Feed:
    """The source of the training batches."""
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
        part=job.rank.part(job.trial.train.batch_size) if job.rank else None,
    )


def _trained(job: _Job, dataset: data.Dataset, feed: data.Feed, emit: Emit, start: float) -> dict[str, Any]:
    """Build the model, train it, test it and measure its throughput; returns the columns that `run` returns."""
    for file in homes(job.trial.graph):
        plugins.load_file(Path(file), (file, 1))
    network = finetune.frozen(job.trial.graph, job.trial.train.freeze)
    place, precision = job.place, job.trial.precision
    model = engines.get(job.trial.engine).build(network, place.device, precision, place.compile, job.rank)
    loop = _Loop(job, model, dataset, feed, emit)
    result: dict[str, Any] = {"status": "ok", "reason": ""}
    try:
        loop.train()
    except Diverged as error:
        result = {"status": "diverged", "reason": str(error)}
    if not job.leads:
        return result
    result |= loop.compile_mode()
    if result["status"] == "ok" and len(loop.rows) < job.trial.train.epochs:
        result["status"] = "stopped"
    result |= loop.summary()
    if result["status"] == "ok":
        with model.averaged():
            result |= _tested(job, model, loop, dataset)
    if result["status"] == "ok" and job.measure:
        # The first process cannot take training steps without the others, which have none to take any more.
        result |= _speeds(model, feed, job.trial.train.optimizer.lr, training=job.rank is None)
    if feed.skip:
        result["skipped_images"] = len(feed.skipped)
        for name in sorted(feed.skipped):
            print(f"left out a damaged image: {name}", file=sys.stderr)
    result["peak_memory_mb"] = model.peak_memory() / 2**20
    result["wall_s"] = loop.seconds_before + time.perf_counter() - start
    return result


def _tested(job: _Job, model: Model, loop: _Loop, dataset: data.Dataset) -> dict[str, Any]:
    """Test the model; save its weights and its answers on the test images unless the losses show that it diverged.

    Returns:
        The columns of the test; with a status and a reason if the training diverged.
    """
    answers: list[Outcome] = []
    test = evaluate(model, loop.batches(dataset.test), answers)
    columns = {"test_loss": test.loss, "test_accuracy": test.top1, "test_top5": test.top5}
    losses = {"training loss of the last epoch": loop.rows[-1]["train_loss"], "test loss": test.loss}
    for name, loss in losses.items():
        if not loss <= diverged_above(len(dataset.classes)):
            return {**columns, "status": "diverged", "reason": f"the {name} is {loss:.4g} after the last epoch"}
    safetensors.save(job.folder / WEIGHTS, model.weights(), loop.metadata())
    save_images(job.folder / TEST, answers)
    return columns


def diverged_above(classes: int) -> float:
    """The loss above which a trial counts as diverged: 1000 times the loss of equal probabilities for all classes."""
    return 1000 * math.log(max(classes, 2))


def _speeds(model: Model, feed: data.Feed, rate: float, training: bool) -> dict[str, Any]:
    """Measure throughput; an error becomes the reason in the row, because the trained network is still valid."""
    try:
        return speeds(model, next(iter(feed.epoch(0))), rate * 1e-3, training)
    except Exception as error:
        traceback.print_exc()
        return {"reason": f"trained and tested, but the throughput was not measured: {type(error).__name__}: {error}"}


class _Loop:
    """Trains the epochs of a trial, from its checkpoint or from the start.

    Attributes:
        rows: a row for each finished epoch.
        step_times: the seconds of each training step of this process, without the first steps of each epoch.
        seconds_before: the time that the trial had taken at the checkpoint from which this process continues.
    """

    def __init__(self, job: _Job, model: Model, dataset: data.Dataset, feed: data.Feed, emit: Emit) -> None:
        self.job, self.model, self.dataset, self.feed, self.emit = job, model, dataset, feed, emit
        self.rows: list[dict[str, Any]] = []
        self.step_times: list[float] = []
        self.seconds_before = 0.0
        self._started = time.perf_counter()
        self._noted = False

    def train(self) -> None:
        """Train the epochs that are left, with checkpoints between them (checkpoint.Interval) and where it stops.

        Raises:
            Diverged: the training loss of a step is not a finite number.
        """
        trial = self.job.trial
        self.model.prepare(trial.train.optimizer, trial.train.clip_norm, trial.train.ema)
        if not self._resume():
            content = trial.contents.get("train.init.weights", "")
            self.model.load(finetune.starting_weights(trial.graph, trial.seed, trial.train.init, content))
        interval, epochs = checkpoint.Interval(), trial.train.epochs
        stop = epochs if self.job.until is None else min(epochs, self.job.until)
        for epoch in range(len(self.rows), stop):
            begin = time.perf_counter()
            self._epoch(epoch)
            end = time.perf_counter()
            stops = epoch + 1 == stop < epochs
            if self.job.leads and (interval.is_due(end - begin, last=epoch + 1 == epochs) or stops):
                checkpoint.save(self.model, self.job.folder, len(self.rows), self.seconds_before + end - self._started)
                interval.written(time.perf_counter() - end)

    def _epoch(self, epoch: int) -> None:
        """Train one epoch (counted from 0); the leading process evaluates the network, and writes the epoch's row."""
        steps, train = self.feed.steps, self.job.trial.train
        learning_rates = train.rates(epoch, steps)
        watch = StepWatch(epoch, steps, self.emit)
        score = train_epoch(
            self.model,
            self.feed.epoch(epoch),
            learning_rates,
            self.job.trial.seed * 100_003 + epoch,
            watch,
            train.label_smoothing,
        )
        self._note_fallback()
        self.step_times += watch.times[_FIRST_STEPS:]
        row = {
            "epoch": epoch + 1,
            "lr": learning_rates[-1],
            "train_loss": score.loss,
            "train_accuracy": score.top1,
            "seconds": score.seconds,
            "images_per_s": score.count / score.seconds,
        }
        self.rows.append(row)
        if self.job.leads:
            row |= self._scores(epoch)
            write_json(self.job.folder / EPOCHS, self.rows)
            self.emit({"event": "epoch", **row})

    def _note_fallback(self) -> None:
        """Report once, also in the trial's log, that the model does not run in the compile mode that was chosen."""
        fallback = self.model.fallback
        if fallback is None or self._noted or not self.job.leads:
            return
        self._noted = True
        wanted = self.job.place.compile
        text = f"compile '{wanted}' cannot be used: {fallback.reason}; '{fallback.mode}' is used instead"
        print(text, file=sys.stderr)
        self.emit({"event": "note", "text": text})

    def compile_mode(self) -> dict[str, str]:
        """The column `compile` if the model did not run in the mode that was chosen; else no column."""
        self._note_fallback()
        return {} if self.model.fallback is None else {"compile": self.model.fallback.mode}

    def _scores(self, epoch: int) -> dict[str, float]:
        """Validate the network after an epoch (counted from 0), and test it, if that is asked for."""
        columns: dict[str, float] = {}
        if self.dataset.validation is not None:
            with self.model.averaged():
                validation = evaluate(self.model, self.batches(self.dataset.validation))
            columns |= {"val_loss": validation.loss, "val_accuracy": validation.top1}
        test_every = self.job.trial.train.test_every
        if test_every and (epoch + 1) % test_every == 0:
            with self.model.averaged():
                test = evaluate(self.model, self.batches(self.dataset.test))
            columns |= {"test_loss": test.loss, "test_accuracy": test.top1}
        return columns

    def batches(self, split: data.Pictures) -> Any:
        """The batches of a set of images that is evaluated: validation or test."""
        feed = self.feed
        return data.EvaluationBatches(
            *(split, feed.batch_size, feed.mean, feed.std), skip=feed.skip, workers=feed.workers, skipped=feed.skipped
        )

    def summary(self) -> dict[str, Any]:
        """The columns about the epochs: loss and accuracy of the last epoch, and the epoch that validated best."""
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
        """The metadata of the weights file: variant, network, classes, normalisation and the crop of test images."""
        dataset, trial = self.dataset, self.job.trial
        crop = dataset.test.crop if isinstance(dataset.test, OnDisk) else 1.0
        return metadata(
            Pretrained(trial.variant, trial.graph, {}, "", dataset.classes, dataset.mean, dataset.std, crop)
        )

    def _resume(self) -> bool:
        """Continue from the checkpoint; returns False, and removes files of an earlier run, if there is none."""
        saved, problem = checkpoint.read(self.job.folder, remove=self.job.leads)
        if problem:
            self.emit({"event": "note", "text": problem})
        if saved is None:
            for stale in (EPOCHS, WEIGHTS, TEST) if self.job.leads else ():
                (self.job.folder / stale).unlink(missing_ok=True)
            return False
        saved.restore(self.model)
        self.rows, self.seconds_before = saved.rows, saved.seconds
        self.emit({"event": "resumed", "epochs": len(self.rows)})
        return True
