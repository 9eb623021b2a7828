"""The columns of `trials.csv`, in their order, and which of them are settings."""

from __future__ import annotations

import pandas as pd

NETWORK = ["variant", "blocks", "depth", "params", "macs", "matched", "graph"]
"""Columns that describe the network.

`matched` says what was changed for an equal cost; `graph` is the digest of the network as data.
"""

RUN = ["data", "input", "classes", "epochs", "batch_size", "engine", "dtype", "deterministic", "devices"]
"""Columns that describe the training; the dotted columns (`train.optimizer.lr`) say the same and more in detail."""

LABELS = ["trial", *NETWORK[:-1], *RUN, "seed", "setting", "graph"]
"""Columns that are known before a trial runs, beside the dotted ones.

`trial` is the trial's id. `setting` is the same hash without the seed, so the replicates of one setting share it.
"""

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
"""Columns that are measured by running a trial."""

COST = [name for name in METRICS if "_per_s" in name or "latency" in name] + ["peak_memory_mb", "wall_s"]
"""Measured columns that depend on the machine."""

MACHINE = ["device", "compile", "threads", "processor"]
WHERE = [*MACHINE, "gpu_share", "mps", "other_load", "started", "revision", "python", "packages"]
"""Columns that say where, when and with what a trial ran.

`other_load` is the cores that other programs used. `gpu_share` and `mps` (whether CUDA's Multi-Process Service ran)
are there for trials that share a GPU.
"""

SHORT = {"train.epochs": "epochs", "train.batch_size": "batch_size", "data.name": "data"}
"""Dotted columns that repeat a short one."""


def ordered(names: list[str]) -> list[str]:
    """The names of columns in the order of `trials.csv`: labels, settings, the status, measurements, the machine."""
    dotted = [name for name in names if "." in name]
    known = [*LABELS, *dotted, "stale", "status", "reason", *METRICS, *WHERE]
    return list(dict.fromkeys([*known, *names]))


def settings(table: pd.DataFrame) -> list[str]:
    """The columns of a table that are settings: everything that is known before a trial runs, except the seed."""
    known = [name for name in (*NETWORK, *RUN) if name in table]
    return known + [name for name in table if "." in name]


def differing(table: pd.DataFrame) -> list[str]:
    """The settings that are not the same in every row, each under one name.

    The digest of the network is left out: see `identify`.
    """
    several = [name for name in settings(table) if table[name].nunique(dropna=False) > 1]
    return [name for name in several if name not in ("graph", "blocks") and SHORT.get(name) not in several]


def setting_of(table: pd.DataFrame) -> pd.Series:
    """For each row the setting, equal for replicates; a table without the column `setting` has it from the others."""
    if "setting" in table and table["setting"].notna().all():
        return table["setting"]
    texts = table[settings(table)].astype(str).agg("|".join, axis=1) if len(table) else pd.Series(dtype=str)
    return table["setting"].fillna(texts) if "setting" in table else texts
