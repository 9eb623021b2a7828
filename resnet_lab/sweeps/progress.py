"""Shows how a sweep goes on: live bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from ..training.trial import Trial
from .time_left import TimeLeft


class Progress(Protocol):
    """Shows how a sweep goes on."""

    def note(self, text: str) -> None:
        """Show a line of its own."""

    def begin(self, name: str, total: int, done: int, todo: Sequence[Trial] = ()) -> None:
        """An experiment of `total` trials begins; `done` of them have results already, and `todo` are to run."""

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
    def begin(self, name: str, total: int, done: int, todo: Sequence[Trial] = ()) -> None: ...
    def trial(self, trial: Trial) -> None: ...
    def event(self, trial: Trial, event: Mapping[str, Any]) -> None: ...
    def result(self, trial: Trial, row: Mapping[str, Any]) -> None: ...
    def end(self) -> None: ...


class Plain:
    """One line for each event except steps; for logs."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._count, self._total, self._epochs = 0, 0, 0
        self._left = TimeLeft(())

    def note(self, text: str) -> None:
        self.console.print(Text(text), soft_wrap=True)

    def begin(self, name: str, total: int, done: int, todo: Sequence[Trial] = ()) -> None:
        self._count, self._total = done, total
        self._left = TimeLeft(todo)
        self.note(f"{name}: {total} trials, {done} done already")

    def trial(self, trial: Trial) -> None:
        self._count, self._epochs = self._count + 1, trial.train.epochs
        self.note(f"[{self._count}/{self._total}] {trial.title}")

    def event(self, trial: Trial, event: Mapping[str, Any]) -> None:
        if event["event"] == "note":
            self.note(f"  {event['text']}")
        if event["event"] == "resumed":
            self._left.resumed(trial, event["epochs"])
            self.note(f"  goes on after epoch {event['epochs']}")
        if event["event"] == "epoch":
            self._left.trained(trial, event["epoch"])
            validation = f", validation {event['val_accuracy']:.4f}" if "val_accuracy" in event else ""
            test = f", test {event['test_accuracy']:.4f}" if "test_accuracy" in event else ""
            self.note(
                f"  epoch {event['epoch']}/{self._epochs}: loss {event['train_loss']:.4f}, accuracy "
                f"{event['train_accuracy']:.4f}{validation}{test}, {event['images_per_s']:.0f} images/s"
                + _clause(self._left)
            )

    def result(self, trial: Trial, row: Mapping[str, Any]) -> None:
        self._left.trained(trial, trial.train.epochs)
        self.note(f"[{self._count}/{self._total}] {outcome(trial, row)}{_clause(self._left)}")

    def end(self) -> None: ...


class Bar:
    """Three bars (sweep, trial, epoch) with loss, accuracy and images/s; ended trials stand above them."""

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
        self._accuracy, self._name = "", ""
        self._left = TimeLeft(())

    def note(self, text: str) -> None:
        self.console.print(Text(text))

    def begin(self, name: str, total: int, done: int, todo: Sequence[Trial] = ()) -> None:
        self.note(f"{name}: {total} trials, {done} done already")
        if done == total:
            return
        self._name, self._left = name, TimeLeft(todo)
        self.sweep = self.bars.add_task("sweep", total=total, completed=done, text=name)
        self.epochs = self.bars.add_task("trial", total=None, text="")
        self.steps = self.bars.add_task("epoch", total=None, text="")
        self.live = Live(self.bars, console=self.console, refresh_per_second=8)
        self.live.start()

    def trial(self, trial: Trial) -> None:
        self._accuracy = ""
        self.bars.reset(self.epochs, total=trial.train.epochs, text=trial.title)
        self.bars.reset(self.steps, total=None, text="starting")

    def event(self, trial: Trial, event: Mapping[str, Any]) -> None:
        if event["event"] == "step":
            text = f"loss {event['loss']:.3f}{self._accuracy}  {event['images_per_s']:.0f} images/s"
            self.bars.update(self.steps, total=event["steps"], completed=event["step"], text=text)
        if event["event"] == "note":
            self.note(event["text"])
        if event["event"] == "resumed":
            self._left.resumed(trial, event["epochs"])
            self.bars.update(self.epochs, completed=event["epochs"])
        if event["event"] == "epoch":
            key = "val_accuracy" if "val_accuracy" in event else "train_accuracy"
            self._accuracy = f"  {key.replace('_', ' ')} {event[key]:.3f}"
            self.bars.update(self.epochs, completed=event["epoch"])
            self._left.trained(trial, event["epoch"])
            self.bars.update(self.sweep, text=f"{self._name}{_clause(self._left)}")

    def result(self, trial: Trial, row: Mapping[str, Any]) -> None:
        self.note(outcome(trial, row))
        self._left.trained(trial, trial.train.epochs)
        self.bars.update(self.sweep, advance=1, text=f"{self._name}{_clause(self._left)}")

    def end(self) -> None:
        """Take the bars away, also after a sweep that was broken off; may be called twice."""
        if self.live is not None:
            self.live.stop()
            self.live = None


def for_console(console: Console) -> Progress:
    """Bars on a terminal, plain lines elsewhere."""
    return Bar(console) if console.is_terminal else Plain(console)
