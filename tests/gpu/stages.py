"""The stages of a rehearsal, in the order of their worth, and how each is run in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .job import NO_TIME, clocks
from .journal import FINISHED, Journal

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Stage:
    """A part of the rehearsal.

    Attributes:
        name: its name, which is that of its table.
        module: the module whose function `run` takes a `Job`.
        minutes: the longest that it may take on a GPU.
        title: what it measures.
    """

    name: str
    module: str
    minutes: float
    title: str


STAGES = (
    Stage("agreement", "tests.gpu.agreement", 6, "ops, variants and losses against the CPU"),
    Stage("sweep", "tests.gpu.sweep", 4, "a sweep that is killed and continued; a trial that runs out of memory"),
    Stage("cifar", "tests.gpu.cifar", 7, "training from images in memory, by compile mode and batch size"),
    Stage("imagenet", "tests.gpu.imagenet", 8, "ResNet-50 beside the networks of timm and torchvision"),
    Stage("precision", "tests.gpu.precision", 4, "every precision beside float32, and deterministic training"),
    Stage("fashion", "tests.gpu.fashion", 6, "the recipe of Dive into Deep Learning"),
    Stage("together", "tests.gpu.together", 8, "several trainings on one GPU"),
    Stage("literature", "tests.gpu.literature", 20, "experiments of the literature"),
)


_OVER = "the time of this run is over"


def run_stages(
    stages: Sequence[Stage], journal: Journal, device: str, tiny: bool, minutes: float, again: bool = False
) -> None:
    """Run the stages that are not finished, each in a process of its own, until the time is over.

    A stage that fails or that exceeds its own limit becomes a line of the journal, and the next stage runs. A stage
    that is stopped because the time of this run is over runs again at the next start.

    Args:
        stages: the stages in their order.
        journal: the record.
        device: `cpu` or `gpu:N`.
        tiny: whether everything is as small as possible.
        minutes: the time for all stages together.
        again: whether finished stages run again.
    """
    end = time.monotonic() + 60 * minutes
    for stage in stages:
        if journal.ending(stage.name) in FINISHED and not again:
            print(f"{stage.name}: {journal.ending(stage.name)} earlier", flush=True)
            continue
        left = end - time.monotonic()
        if left <= 0:
            print(f"{stage.name}: no time is left; the same command runs it", flush=True)
            continue
        print(f"{stage.name}: {stage.title}", flush=True)
        attempt = journal.begin(stage.name)
        before, start = clocks(), time.monotonic()
        status, reason = _attempt(stage, attempt, journal.folder, device, tiny, left)
        rows = [row for row in journal.lines("row", stage.name) if row["attempt"] == attempt]
        if status == "done" and left < 60 * stage.minutes and any(row.get("problem") == NO_TIME for row in rows):
            status, reason = "stopped", _OVER
        seconds = round(time.monotonic() - start, 1)
        journal.add(
            "stage",
            **{"stage": stage.name, "attempt": attempt, "status": status, "reason": reason, "seconds": seconds},
            clocks_before=before,
            clocks_after=clocks(),
        )
        print(f"{stage.name}: {status} after {seconds:.0f} s{': ' if reason else ''}{reason}", flush=True)


def _attempt(stage: Stage, attempt: int, folder: Path, device: str, tiny: bool, left: float) -> tuple[str, str]:
    """Run a stage for at most its own limit and at most `left` seconds; returns how it ended, and why."""
    own = 60 * stage.minutes
    log = folder / f"{stage.name}.log"
    until = time.monotonic() + min(own, left)  # the clock is the same in all processes of a machine
    words = [stage.module, stage.name, str(attempt), str(folder), device, str(until), *(["tiny"] if tiny else [])]
    with log.open("ab") as stream:
        process = subprocess.Popen(
            **command("tests.gpu.stage", *words),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that a stage is ended together with every process that it has started
        )
        try:
            code = process.wait(min(own, left))
        except subprocess.TimeoutExpired:
            if left < own:
                return "stopped", _OVER
            return "timed_out", f"the stage took longer than its {stage.minutes:g} minutes"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if code == 0:
        return "done", ""
    return "failed", _last_line(log) or f"exit status {code}"


def command(module: str, *words: str) -> dict[str, Any]:
    """The arguments of `subprocess` that run a module of this checkout with the same Python."""
    places = [str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places)), "PYTHONUNBUFFERED": "1"}
    return {"args": [sys.executable, "-m", module, *words], "env": env}


def _last_line(log: Path) -> str:
    """The last line of a log that is not empty: of a traceback, the error."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")[:300]
