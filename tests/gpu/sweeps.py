"""Runs `resnet-lab run` in a process, and gives the row of each trial as soon as it is there."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from resnet_lab.base.files import read_json

from .job import Job
from .stages import command

COLUMNS = (
    *("variant", "data", "epochs", "epochs_done", "batch_size", "dtype", "seed", "status", "reason", "test_accuracy"),
    *("test_loss", "train_loss", "train_images_per_s", "compute_images_per_s", "infer_images_per_s", "latency_ms"),
    *("peak_memory_mb", "wall_s", "device", "compile", "other_load", "started"),
)
"""The columns of a trial's row that a rehearsal keeps."""


def start(
    job: Job, experiment: str | Path, results: Path, settings: Sequence[str], words: Sequence[str] = (), **options: Any
) -> Any:
    """Start `resnet-lab run` on the device of the job; what the command prints goes to the log of the stage.

    Args:
        job: the job.
        experiment: the name or the file of the experiment.
        results: the folder of all results.
        settings: settings such as `train.epochs=1`.
        words: further words of the command, such as `--jobs`, `2`.
        options: options of `subprocess.Popen`.
    """
    words = ["run", str(experiment), "--engine", "torch", "--device", job.device, "--results", str(results), *words]
    for setting in settings:
        words += ["--set", setting]
    return subprocess.Popen(**command("resnet_lab", *words), stdin=subprocess.DEVNULL, **options)


def finished(folder: Path) -> dict[str, dict[str, Any]]:
    """The rows of the trials of a results folder that have a result, by the trials' ids."""
    rows = {}
    for path in sorted(folder.glob("trials/*/result.json")):
        try:
            rows[path.parent.name] = read_json(path)
        except json.JSONDecodeError:  # a file that is being written
            continue
    return rows


def trials(process: Any, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield id and row of each trial that ends while a command runs.

    Raises:
        RuntimeError: the command ended with another status than 0 and 1, of which 1 means that a trial failed.
    """
    known = {name: row.get("started") for name, row in finished(folder).items()}
    ended = False
    while not ended:
        ended = process.poll() is not None
        for name, row in finished(folder).items():
            if known.get(name, "") != row.get("started"):
                known[name] = row.get("started")
                yield name, row
        time.sleep(0 if ended else 0.1)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"resnet-lab run ended with the exit status {process.returncode}")


def record(
    job: Job,
    experiment: str | Path,
    settings: Sequence[str],
    more: Callable[[Path, dict[str, Any]], dict[str, Any]] = lambda folder, row: {},
    preset: str = "",
    jobs: int = 1,
) -> int:
    """Run an experiment, and record one row for each trial, with the columns that `more` computes from it.

    Args:
        job: the job; the results go to its folder `results`, where a later attempt goes on.
        experiment: the name or the file of the experiment.
        settings: settings such as `train.epochs=1`.
        more: from the folder of a trial and its row to further columns.
        preset: the preset of the experiment; '' for none.
        jobs: how many trials run at once.

    Returns:
        The number of trials that have ended in this attempt.
    """
    results = job.folder / "results"
    folder = results / (Path(experiment).stem + (f"-{preset}" if preset else ""))
    words = ["--jobs", str(jobs), *(["--preset", preset] if preset else [])]
    count = 0
    for name, row in trials(start(job, experiment, results, settings, words), folder):
        kept = {column: row.get(column) for column in COLUMNS}
        problem = "" if row.get("status") == "ok" else f"{row.get('status')}: {row.get('reason')}"
        job.row(**kept, **more(folder / "trials" / name, row), problem=problem)
        count += 1
    return count
