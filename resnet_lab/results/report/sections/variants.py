"""A part for each variant: its figures, its settings, and the drawing of its network."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from ....network.drawing import Picture, draw_stage, short
from ....network.graph import Graph
from ....network.outline import outline
from ...trial_folder import STOPPED
from ..contents import Contents

TITLE = "Variants"
_DRAWN = 40
_MEASURED = {
    "test_accuracy": "test accuracy",
    "val_accuracy": "validation accuracy",
    "test_loss": "test loss",
    "train_images_per_s": "images/s in training",
    "infer_images_per_s": "images/s in inference",
    "latency_ms": "latency in ms",
    "peak_memory_mb": "peak memory in MB",
    "wall_s": "seconds a trial",
}
_SETTINGS = 20


def context(contents: Contents) -> dict[str, Any]:
    """The values of the template: one mapping for each variant."""
    parts = [_part(contents, name, index < _DRAWN) for index, name in enumerate(contents.variants)]
    return {"parts": parts, "open": len(parts) <= 3, "hidden": max(0, len(parts) - _DRAWN)}


def _part(contents: Contents, variant: str, drawn: bool) -> dict[str, Any]:
    rows = contents.table[contents.table["variant"] == variant]
    settings = contents.settings[contents.settings["variant"] == variant]
    kept = contents.trial(variant) if drawn else None
    measured = [name for name in _MEASURED if name in settings and settings[name].notna().any()]
    return {
        "name": variant,
        "facts": _facts(rows),
        "heads": [_MEASURED[name] for name in measured],
        "settings": [_cells(row, measured) for row in settings.head(_SETTINGS).to_dict("records")],
        "more": max(0, len(settings) - _SETTINGS),
        "reasons": _reasons(rows),
        "stages": [_svg(draw_stage(stage)) for stage in outline(Graph.from_json(kept["graph"]))] if kept else [],
        "drawn": drawn,
    }


def _facts(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """What is known of the network before it runs."""
    heads = {"blocks": "blocks", "depth": "depth", "params": "parameters", "macs": "multiply-adds", "input": "input"}
    facts = []
    for name, head in heads.items():
        values = rows[name].dropna().unique() if name in rows else []
        texts = [f"{int(value):,}" if name in ("params", "macs") else str(value) for value in values]
        if texts:
            facts.append((head, ", ".join(texts[:4]) + (" ..." if len(texts) > 4 else "")))
    matched = rows["matched"].dropna().unique() if "matched" in rows else []
    return facts + [("changed for an equal cost", str(value)) for value in matched]


def _cells(row: dict[str, Any], measured: list[str]) -> list[str]:
    """The label of a setting, its number of seeds, and each mean with its standard deviation."""
    cells = [str(row["label"]), str(row["n"])]
    for name in measured:
        mean, deviation = row[name], row[f"{name}_std"]
        decimals = 4 if abs(mean) < 10 else 1
        text = "" if pd.isna(mean) else f"{mean:.{decimals}f}" if mean < 10_000 else short(int(mean))
        cells.append(text + ("" if pd.isna(deviation) or mean >= 10_000 else f" ± {deviation:.{decimals}f}"))
    return cells


def _reasons(rows: pd.DataFrame) -> list[str]:
    """How the trials that failed ended, each reason once."""
    bad = rows[~rows["status"].isin(["ok", STOPPED])]
    reasons = bad["reason"] if "reason" in bad else pd.Series("", index=bad.index)
    return list(dict.fromkeys(f"{status}: {reason}" for status, reason in zip(bad["status"], reasons, strict=True)))[:5]


def _svg(picture: Picture) -> Markup:
    size = f'viewBox="0 0 {picture.width} {picture.height}" width="{picture.width}" height="{picture.height}"'
    return Markup(f'<svg class="net" {size} role="img">{picture.svg}</svg>')
