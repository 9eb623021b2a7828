"""Learning curves: the mean over the seeds at each epoch, and the band between the smallest and the largest value."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from ..charts import STOPPED, Curve, curves, swatch
from ..contents import Contents
from .tradeoffs import styles_of

TITLE = "Learning curves"
METRICS = ("train_loss", "val_loss", "test_loss", "train_accuracy", "val_accuracy", "test_accuracy")
_MOST = 12
"""More curves than this cannot be told apart."""

STOPPED_MOST = 100
"""At most this many trials that were stopped early have a curve."""


def context(contents: Contents) -> dict[str, Any] | None:
    """The values of the template: one chart for each metric; None where no epoch was kept."""
    epochs = contents.epochs
    if epochs.empty:
        return None
    stopped = contents.stopped_epochs
    early = list(dict.fromkeys(stopped["trial"]))[:STOPPED_MOST] if len(stopped) else []
    settings, note = shown(contents)
    rows = epochs[epochs["_setting"].isin(settings)]
    numbers = [name for name in METRICS if name in rows and rows[name].notna().any()]
    if not numbers:
        return None
    styles = styles_of(contents)
    order = {setting: styles[contents.settings.loc[setting, "variant"]] for setting in settings}
    if len(set(order.values())) < len(settings):  # several settings of one variant, which need styles of their own
        order = {setting: index for index, setting in enumerate(settings)}
    grouped = rows.groupby(["_setting", "epoch"], sort=True)[numbers].agg(["mean", "min", "max"])
    charts = []
    for name in numbers:
        lines = [_curve(grouped, setting, name, order[setting], contents) for setting in settings]
        lines += [_stopped(stopped[stopped["trial"] == trial], name) for trial in early if name in stopped]
        charts.append(Markup(curves([line for line in lines if line.x], name.replace("_", " "))))
    legend = [(contents.settings.loc[setting, "label"], Markup(swatch(order[setting]))) for setting in settings]
    if early:
        legend.append((f"{len(early)} trials that were stopped early", Markup(swatch(STOPPED))))
    return {"charts": charts, "legend": legend, "note": note}


def shown(contents: Contents) -> tuple[list[str], str]:
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


def _stopped(rows: pd.DataFrame, name: str) -> Curve:
    """The curve of a trial that was stopped early: it ends at the last epoch that was trained."""
    rows = rows.dropna(subset=[name])
    values = rows[name].tolist()
    return Curve(rows["epoch"].tolist(), values, values, values, STOPPED, f"{rows['label'].iloc[0]}, stopped early")
