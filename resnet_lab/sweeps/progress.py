"""Shows how a sweep goes on: live bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from ..results.trial_folder import STOPPED
from ..training.trial import Trial
from .time_left import TimeLeft


class Progress(Protocol):
    """Shows how a sweep goes on."""

    def note(self, text: str) -> None:
        """Show a line of its own."""

    def begin(self, name: str, total: int, done: int, todo: Sequence[Trial] = (), at_once: int = 1) -> None:
        """An experiment of `total` trials begins.

        `done` of them have results already, `todo` are to run, and `at_once` of these run side by side.
        """

    def trial(self, trial: Trial) -> None:
        """A trial begins."""

    def event(self, trial: Trial, event: Mapping[str, Any]) -> None:
        """A trial reports a step, an epoch, a note, or a checkpoint that it goes on from; see training/loop.py."""

    def result(self, trial: Trial, row: Mapping[str, Any]) -> None:
        """A trial has ended, `ok` or not."""

    def end(self) -> None:
        """No trial is left."""


def outcome(trial: Trial, row: Mapping[str, Any]) -> str:
    """How a trial ended, in one line."""
    name = f"{trial.title} ({trial.id})"
    if row["status"] == STOPPED:
        return f"{name}: stopped after epoch {row['epochs_done']}, validation accuracy {row['val_accuracy']:.4f}"
    if row["status"] != "ok":
        return f"{name}: {row['status']}: {row['reason']}"
    speed = f", {row['train_images_per_s']:.0f} images/s" if "train_images_per_s" in row else ""
    return f"{name}: ok, test accuracy {row['test_accuracy']:.4f}{speed}, {row['wall_s']:.0f} s"


def _clause(left: TimeLeft) -> str:
    """The estimate of the time that is left as the end of a sentence; empty if there is none."""
    return f", {left}" if str(left) else ""


class Silent:
    """Shows nothing; for programs."""

    def note(self, text: str) -> None: ...
    def begin(self, name: str, total: int, done: int, todo: Sequence[Trial] = (), at_once: int = 1) -> None: ...
    def trial(self, trial: Trial) -> None: ...
    def event(self, trial: Trial, event: Mapping[str, Any]) -> None: ...
    def result(self, trial: Trial, row: Mapping[str, Any]) -> None: ...
    def end(self) -> None: ...


class Plain:
    """One line for each event except steps; for logs."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._count, self._total, self._at_once = 0, 0, 1
        self._numbers: dict[str, int] = {}
        self._left = TimeLeft(())

    def note(self, text: str) -> None:
        self.console.print(Text(text), soft_wrap=True)

    def begin(self, name: str, total: int, done: int, todo: Sequence[Trial] = (), at_once: int = 1) -> None:
        self._count, self._total, self._at_once = done, total, at_once
        self._left = TimeLeft(todo)
        self.note(f"{name}: {total} trials, {done} done already")

    def trial(self, trial: Trial) -> None:
        if trial.id not in self._numbers:  # a trial that was stopped goes on under its number
            self._count += 1
            self._numbers[trial.id] = self._count
        self.note(f"{self._number(trial)} {trial.title}")

    def event(self, trial: Trial, event: Mapping[str, Any]) -> None:
        # Lines of trials that run side by side come in any order, so each names its trial.
        begin = f"  {self._number(trial)} " if self._at_once > 1 else "  "
        if event["event"] == "note":
            self.note(f"{begin}{event['text']}")
        if event["event"] == "resumed":
            self._left.resumed(trial, event["epochs"])
            self.note(f"{begin}goes on after epoch {event['epochs']}")
        if event["event"] == "epoch":
            self._left.trained(trial, event["epoch"])
            validation = f", validation {event['val_accuracy']:.4f}" if "val_accuracy" in event else ""
            test = f", test {event['test_accuracy']:.4f}" if "test_accuracy" in event else ""
            self.note(
                f"{begin}epoch {event['epoch']}/{trial.train.epochs}: loss {event['train_loss']:.4f}, accuracy "
                f"{event['train_accuracy']:.4f}{validation}{test}, {event['images_per_s']:.0f} images/s"
                + _clause(self._left)
            )

    def result(self, trial: Trial, row: Mapping[str, Any]) -> None:
        self._left.trained(trial, trial.train.epochs)
        self.note(f"{self._number(trial)} {outcome(trial, row)}{_clause(self._left)}")
        if row["status"] != STOPPED:
            self._numbers.pop(trial.id, None)

    def end(self) -> None: ...

    def _number(self, trial: Trial) -> str:
        return f"[{self._numbers.get(trial.id, self._count)}/{self._total}]"


class Bar:
    """A bar for the sweep and one for each trial that runs; a trial that runs alone has a bar for its epoch, too.

    Loss, accuracy and images/s are beside the bars, and the trials that have ended are above them.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bars = Bars(
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[text]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self.live: Live | None = None
        self._name, self._alone = "", True
        self._accuracy: dict[str, str] = {}
        self._stopped: set[str] = set()
        self._trials: dict[str, TaskID] = {}
        self._left = TimeLeft(())

    def note(self, text: str) -> None:
        self.console.print(Text(text))

    def begin(self, name: str, total: int, done: int, todo: Sequence[Trial] = (), at_once: int = 1) -> None:
        self.note(f"{name}: {total} trials, {done} done already")
        if done == total:
            return
        self.end()  # of the last look, with `seeds: auto`
        self._name, self._left, self._alone = name, TimeLeft(todo), at_once == 1
        self.sweep = self.bars.add_task("sweep", total=total, completed=done, text=name)
        self.live = Live(self.bars, console=self.console, refresh_per_second=8)
        self.live.start()

    def trial(self, trial: Trial) -> None:
        text = trial.title if self._alone else f"{trial.title}: starting"
        self._trials[trial.id] = self.bars.add_task("trial", total=trial.train.epochs, text=text)
        if self._alone:
            self.steps = self.bars.add_task("epoch", total=None, text="starting")

    def event(self, trial: Trial, event: Mapping[str, Any]) -> None:
        own = self._trials[trial.id]
        if event["event"] == "step":
            accuracy = self._accuracy.get(trial.id, "")
            text = f"loss {event['loss']:.3f}{accuracy}  {event['images_per_s']:.0f} images/s"
            if self._alone:
                self.bars.update(self.steps, total=event["steps"], completed=event["step"], text=text)
            else:
                self.bars.update(own, text=f"{trial.title}: {text}")
        if event["event"] == "note":
            self.note(event["text"])
        if event["event"] == "resumed":
            self._left.resumed(trial, event["epochs"])
            self.bars.update(own, completed=event["epochs"])
        if event["event"] == "epoch":
            key = "val_accuracy" if "val_accuracy" in event else "train_accuracy"
            self._accuracy[trial.id] = f"  {key.replace('_', ' ')} {event[key]:.3f}"
            self.bars.update(own, completed=event["epoch"])
            self._left.trained(trial, event["epoch"])
            self.bars.update(self.sweep, text=f"{self._name}{_clause(self._left)}")

    def result(self, trial: Trial, row: Mapping[str, Any]) -> None:
        self.note(outcome(trial, row))
        self.bars.remove_task(self._trials.pop(trial.id))
        if self._alone:
            self.bars.remove_task(self.steps)
        self._accuracy.pop(trial.id, None)
        self._left.trained(trial, trial.train.epochs)
        counted = trial.id in self._stopped  # a trial that was stopped, and that went on, is still one trial
        self.bars.update(self.sweep, advance=0 if counted else 1, text=f"{self._name}{_clause(self._left)}")
        if row["status"] == STOPPED:
            self._stopped.add(trial.id)

    def end(self) -> None:
        """Take the bars away, also after a sweep that was broken off; may be called twice."""
        if self.live is not None:
            self.live.stop()
            self.live = None
            for task in list(self.bars.task_ids):
                self.bars.remove_task(task)
            self._trials.clear()


def for_console(console: Console) -> Progress:
    """Bars on a terminal, plain lines elsewhere."""
    return Bar(console) if console.is_terminal else Plain(console)
