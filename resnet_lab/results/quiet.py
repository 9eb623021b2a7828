"""Whether the rows of two variants show that their speeds were measured fairly: in turns, in one place, undisturbed."""

from __future__ import annotations

import pandas as pd

from .columns import MACHINE

_SPREAD = 0.25
"""A machine counts as quiet if the 10th and the 90th percentile of a speed differ by less than this share of it."""


def is_speed(metric: str) -> bool:
    """Whether a metric is a time or a rate, which depends on what else the machine did."""
    return "_per_s" in metric or "latency" in metric or metric == "wall_s"


def disturbed(rows: pd.DataFrame, metric: str) -> str | None:
    """Why the speeds of two variants' trials cannot be compared; None where they can."""
    several = [name for name in MACHINE if name in rows and rows[name].nunique(dropna=False) > 1]
    if several:
        return f"the trials ran in different places ({', '.join(several)})"
    if "started" not in rows or rows["started"].isna().any():
        return "the rows do not say when the trials ran"
    order = list(rows.sort_values("started", kind="stable")["variant"])
    if any(len(set(order[index : index + 3])) == 1 for index in range(len(order) - 2)):
        return "the trials of the two did not run in turns"
    low, high = (rows.get(f"{metric}_{end}") for end in ("p10", "p90"))
    if low is None or high is None:
        return "the rows do not say whether the machine was quiet"
    spread = ((high - low) / rows[metric]).max()
    if not spread < _SPREAD:
        return f"the machine was not quiet: the percentiles of one trial lie {spread:.0%} apart"
    return None
