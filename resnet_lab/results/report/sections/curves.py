"""Learning curves: the mean over the seeds at each epoch, and the band between the smallest and the largest value."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from ..charts import Curve, curves, swatch
from ..contents import Contents
from .tradeoffs import styles_of

TITLE = "Learning curves"
_METRICS = ("train_loss", "val_loss", "test_loss", "train_accuracy", "val_accuracy", "test_accuracy")
_MOST = 12
"""More curves than this cannot be told apart."""


def context(contents: Contents) -> dict[str, Any] | None:
    """The values of the template: one chart for each metric; None where no epoch was kept."""
    epochs = contents.epochs
    if epochs.empty:
        return None
    shown, note = _shown(contents)
    rows = epochs[epochs["_setting"].isin(shown)]
    numbers = [name for name in _METRICS if name in rows and rows[name].notna().any()]
    if not numbers:
        return None
    styles = styles_of(contents)
    order = {setting: styles[contents.settings.loc[setting, "variant"]] for setting in shown}
    if len(set(order.values())) < len(shown):  # several settings of one variant, which need styles of their own
        order = {setting: index for index, setting in enumerate(shown)}
    grouped = rows.groupby(["_setting", "epoch"], sort=True)[numbers].agg(["mean", "min", "max"])
    charts = []
    for name in numbers:
        lines = [_curve(grouped, setting, name, order[setting], contents) for setting in shown]
        charts.append(Markup(curves([line for line in lines if line.x], name.replace("_", " "))))
    legend = [(contents.settings.loc[setting, "label"], Markup(swatch(order[setting]))) for setting in shown]
    return {"charts": charts, "legend": legend, "note": note}


def _shown(contents: Contents) -> tuple[list[str], str]:
    """The settings whose curves are drawn, and a sentence on those that are not."""
    known = set(contents.epochs["_setting"])
    settings = contents.settings[contents.settings.index.isin(known)]
    rank = {name: index for index, name in enumerate(contents.variants)}
    settings = settings.assign(_rank=settings["variant"].map(rank)).sort_values("_rank", kind="stable")
    if len(settings) <= _MOST:
        return list(settings.index), ""
    by = "val_accuracy" if "val_accuracy" in settings else "train_loss"
    best = settings.sort_values(by, ascending=by == "train_loss", kind="stable").groupby("variant").head(1)
    kept = best.sort_values("_rank").head(_MOST)
    reason = f"each variant at its setting with the best {by.replace('_', ' ')}"
    return list(kept.index), f"{len(kept)} of {len(settings):,} settings are drawn: {reason}."


def _curve(grouped: pd.DataFrame, setting: str, name: str, style: int, contents: Contents) -> Curve:
    rows = grouped.loc[setting][name].dropna()
    mean, low, high = (rows[part].tolist() for part in ("mean", "min", "max"))
    return Curve(rows.index.tolist(), mean, low, high, style, str(contents.settings.loc[setting, "label"]))
