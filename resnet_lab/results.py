"""Results tables: written, read and compared; plain pandas in long form.

A results folder keeps each trial in `trials/ID/`: `trial.json` (what ran), `result.json` (how it
ended), `epochs.json`, `weights.safetensors`, `log.txt`. The two tables beside it are made anew from
these, so that a kill at any instant leaves them readable and loses no finished trial.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from . import workspace
from .errors import LabError, unknown
from .files import read_json, write_text

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
SHOWN = [
    "variant",
    "depth",
    "params",
    "macs",
    "status",
    "test_accuracy",
    "train_images_per_s",
    "compute_images_per_s",
    "infer_images_per_s",
    "latency_ms",
    "wall_s",
]
"""What `compare` shows unless asked otherwise, beside the columns in which trials differ."""

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


def published(path: Path) -> pd.DataFrame:
    """A table of published figures: variant, metric (a column of results), value, source.

    Raises:
        LabError: there is no such table, or it is none.
    """
    if not path.is_file():
        raise LabError(f"there is no table of published figures {path}")
    try:
        table = pd.read_csv(path)
    except (ValueError, UnicodeDecodeError) as error:
        raise LabError(f"is no table: {error}", file=path) from None
    for column in ("variant", "metric", "value", "source"):
        if column not in table:
            raise LabError(f"is no table of published figures: it has no column '{column}'", file=path)
    return table


def compare(
    table: pd.DataFrame,
    *,
    by: str | None = None,
    sort: str | None = None,
    columns: list[str] | None = None,
    against: str | None = None,
) -> pd.DataFrame:
    """A table to read: the columns asked for, averaged, sorted, or held against other figures.

    Args:
        by: one row for each value of this column: mean and standard deviation over its `ok` trials, and `n`.
        sort: a column; `-column` sorts downwards.
        columns: which to show, in this order.
        against: a variant of the table (adds the differences to it), or a table of published
            figures: a `.csv` file, or the name of one in `results/reference/`.

    Raises:
        LabError: a column, variant or reference that is not there.
    """
    shown = _checked(columns, table) if columns else _shown(table)
    if against is not None:
        table, added = _against(table, against)
        shown += [column for column in added if column not in shown]
    if by:
        _checked([by], table)
        table = _averaged(table, by, shown)
        shown = list(table.columns)
    if sort:
        _checked([sort.lstrip("-")], table)
        table = table.sort_values(sort.lstrip("-"), ascending=not sort.startswith("-"), kind="stable")
    return table[shown].reset_index(drop=True)


def _checked(columns: list[str], table: pd.DataFrame) -> list[str]:
    for column in columns:
        if column not in table:
            raise LabError(unknown("column", column, table.columns))
    return list(dict.fromkeys(columns))


def _shown(table: pd.DataFrame) -> list[str]:
    """The usual columns, and those settings that are not the same in every row."""
    differing = [
        column
        for column in table.columns
        if column not in (*SHOWN, "trial", "blocks")
        and (column in (*LABELS, "device", "compile", "processor", "experiment") or "." in column)
        and table[column].nunique(dropna=False) > 1
    ]
    reasons = ["reason"] if (table["status"] != "ok").any() else []
    shown = [*SHOWN[:4], *differing, *SHOWN[4:], *reasons]
    return [column for column in shown if column in table]


def _averaged(table: pd.DataFrame, by: str, shown: list[str]) -> pd.DataFrame:
    settings = [by, *LABELS, *(column for column in shown if "." in column)]
    metrics = [column for column in shown if pd.api.types.is_float_dtype(table[column]) and column not in settings]
    same = [column for column in shown if column not in (by, "status", "reason", *metrics)]
    rows = []
    for value, group in table.groupby(by, sort=False, dropna=False):
        fine = group[group["status"] == "ok"]
        row: dict[str, Any] = {by: value}
        row |= {column: group[column].iloc[0] for column in same if group[column].nunique(dropna=False) == 1}
        row |= {"n": len(fine), "not_ok": len(group) - len(fine)}
        for column in metrics:
            row[column] = fine[column].mean()
            row[f"{column}_std"] = fine[column].std(ddof=1)
        rows.append(row)
    numbers = [name for metric in metrics for name in (metric, f"{metric}_std")]
    return pd.DataFrame(rows, columns=list(dict.fromkeys([by, *same, "n", "not_ok", *numbers])))


def references() -> dict[str, Path]:
    """Tables of published figures by name: those of the working directory, then those of the package."""
    found: dict[str, Path] = {}
    for place in (Path("results/reference"), workspace.shipped("reference", "results/reference")):
        for path in sorted(place.glob("*.csv")):
            found.setdefault(path.stem, path)
    return found


def _against(table: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[str]]:
    """The table with columns of comparison, and their names."""
    table = table.copy()
    if name in set(table["variant"]):
        base = table[(table["variant"] == name) & (table["status"] == "ok")]
        added = []
        for column in ("params", "macs", "test_accuracy", "train_images_per_s"):
            reference = base[column].mean()
            if column == "test_accuracy":
                table[f"{column}_minus_{name}"] = table[column] - reference
                added.append(f"{column}_minus_{name}")
            else:
                table[f"{column}_over_{name}"] = table[column] / reference
                added.append(f"{column}_over_{name}")
        return table, added
    known = references()
    file = Path(name) if name.endswith(".csv") else known.get(name)
    if file is None:
        raise LabError(unknown("variant or reference", name, [*table["variant"], *known]))
    figures = published(file)
    added = []
    for metric, group in figures.groupby("metric", sort=False):
        column = f"published_{metric}"
        table[column] = table["variant"].map(dict(zip(group["variant"], group["value"], strict=True)))
        added.append(column)
    table["published_by"] = table["variant"].map(dict(zip(figures["variant"], figures["source"], strict=True)))
    return table, [*added, "published_by"]
