"""Results tables: written, read and compared; plain pandas in long form.

A results folder keeps each trial in `trials/ID/`: `trial.json` (what ran), `result.json` (how it
ended), `epochs.json`, `weights.safetensors`, `log.txt`. The two tables beside it are made anew from
these, so that a kill at any instant leaves them readable and loses no finished trial.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ..base.errors import LabError
from ..base.files import read_json, write_text

LABELS = [
    "trial",
    "variant",
    "blocks",
    "depth",
    "params",
    "macs",
    "data",
    "input",
    "epochs",
    "batch_size",
    "engine",
    "dtype",
    "seed",
]
METRICS = [
    "train_loss",
    "train_accuracy",
    "val_accuracy",
    "best_val_accuracy",
    "best_epoch",
    "test_loss",
    "test_accuracy",
    "test_top5",
    "train_images_per_s",
    "train_images_per_s_p10",
    "train_images_per_s_p90",
    "compute_images_per_s",
    "compute_images_per_s_p10",
    "compute_images_per_s_p90",
    "infer_images_per_s",
    "infer_images_per_s_p10",
    "infer_images_per_s_p90",
    "latency_ms",
    "latency_ms_p10",
    "latency_ms_p90",
    "peak_memory_mb",
    "wall_s",
    "epochs_done",
    "skipped_images",
]
WHERE = ["device", "compile", "threads", "processor", "started", "revision", "python", "packages"]
DONE = ("ok", "diverged")
"""How a trial ends that a new run would only repeat."""
_TABLE = "trials.csv"


def is_done(results: Path, trial: str) -> bool:
    """Whether a trial has a result that a new run would only repeat."""
    path = results / "trials" / trial / "result.json"
    return path.is_file() and read_json(path)["status"] in DONE


def refresh(results: Path) -> pd.DataFrame:
    """Make `trials.csv` and `epochs.csv` anew; returns the first, one row for each trial with a result."""
    rows: list[dict[str, Any]] = []
    epochs: list[dict[str, Any]] = []
    for folder in sorted((results / "trials").glob("*/")):
        if not (folder / "trial.json").is_file():
            continue
        labels = read_json(folder / "trial.json")["labels"]
        if (folder / "result.json").is_file():
            rows.append(labels | read_json(folder / "result.json"))
        if (folder / "epochs.json").is_file():
            key = {"trial": labels["trial"], "variant": labels["variant"], "seed": labels["seed"]}
            epochs += [key | row for row in read_json(folder / "epochs.json")]
    swept = [column for row in rows for column in row if "." in column or column == "precision"]
    known = [*LABELS, *dict.fromkeys(swept), "status", "reason", *METRICS, *WHERE]
    extra = dict.fromkeys(column for row in rows for column in row if column not in known)
    table = pd.DataFrame(rows, columns=[*known, *extra])
    if "started" in table:
        table = table.sort_values("started", kind="stable").reset_index(drop=True)
    write_text(results / _TABLE, table.to_csv(index=False))
    write_text(results / "epochs.csv", pd.DataFrame(epochs).to_csv(index=False) if epochs else "trial,variant,seed\n")
    return table


def read(path: str | Path) -> pd.DataFrame:
    """The trials of a results folder, or of a `.csv` file, one row each.

    Raises:
        LabError: there is no such table, or it is none.
    """
    path = Path(path)
    file = path / _TABLE if path.is_dir() else path
    if not file.is_file():
        raise LabError(f"there are no results: {file} is missing; results are written by 'resnet-lab run'")
    try:
        table = pd.read_csv(file, dtype={"trial": str, "reason": str, "revision": str}, keep_default_na=True)
    except (ValueError, UnicodeDecodeError) as error:
        raise LabError(f"is no results table: {error}", file=file) from None
    for column in ("variant", "status"):
        if column not in table:
            raise LabError(f"is no results table: it has no column '{column}'", file=file)
    return table
