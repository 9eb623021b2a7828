"""Accuracy against what it costs: multiply-adds, parameters and measured throughput, each with its Pareto front."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from ....network.drawing import short
from ..charts import BARS, Point, scatter, swatch
from ..contents import Contents

TITLE = "Accuracy and its price"
_COSTS = {
    "macs": "multiply-adds",
    "params": "parameters",
    "train_images_per_s": "images/s in training",
    "infer_images_per_s": "images/s in inference",
}
_FIXED = ("data", "input", "classes", "epochs", "dtype")
"""Accuracies can be compared only where these columns agree."""

_SPEEDS = ("train_images_per_s", "infer_images_per_s")
_LEGEND = 40


def context(contents: Contents) -> dict[str, Any] | None:
    """The values of the template: one chart for each cost that was measured; None without an accuracy."""
    accuracy = contents.accuracy
    if accuracy is None:
        return None
    costs = [name for name in _COSTS if name in contents.settings]
    if contents.places:
        costs = [name for name in costs if name not in _SPEEDS]
    title = "mean " + accuracy.replace("_", " ")
    charts = []
    for name in costs:
        points = _points(contents, name, accuracy)
        if points:
            charts.append(Markup(scatter(points, _COSTS[name], title, name not in _SPEEDS)))
    if not charts:
        return None
    styles = styles_of(contents)
    seeds = int(contents.settings["n"].max()) > 1
    return {
        "charts": charts,
        "legend": [(name, Markup(swatch(styles[name]))) for name in contents.variants[:_LEGEND]],
        "hidden": max(0, len(contents.variants) - _LEGEND),
        "places": contents.places,
        "differs": [name for name in _FIXED if name in contents.ok and contents.ok[name].nunique() > 1],
        "seeds": seeds,
        "bars": seeds and len(contents.settings) <= BARS,
    }


def styles_of(contents: Contents) -> dict[str, int]:
    """For each variant the number of its colour, its shape and its dashes."""
    return {name: index for index, name in enumerate(contents.variants)}


def _points(contents: Contents, cost: str, accuracy: str) -> list[Point]:
    """A point for each setting with both figures."""
    rows = contents.settings[contents.settings[[cost, accuracy]].notna().all(axis=1)]
    styles = styles_of(contents)
    points = []
    for row in rows.to_dict("records"):
        spread = 0.0 if pd.isna(row[f"{accuracy}_std"]) else float(row[f"{accuracy}_std"])
        deviation = f" ± {spread:.4f}" if spread else ""
        amount = short(int(row[cost])) if row[cost] >= 1000 else f"{row[cost]:.1f}"
        title = f"{row['label']}: {row[accuracy]:.4f}{deviation}, {amount} {_COSTS[cost]}, {row['n']} seed(s)"
        style, label = styles[row["variant"]], str(row["label"])
        points.append(Point(float(row[cost]), float(row[accuracy]), spread, style, label, title))
    return points
