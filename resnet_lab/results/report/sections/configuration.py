"""The configuration: the settings that all trials share, and those in which they differ."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ...columns import SHORT, settings
from ..contents import Contents

TITLE = "Configuration"
_VALUES = 12


def context(contents: Contents) -> dict[str, Any]:
    """The values of the template: two lists of settings with their values."""
    table = contents.table
    names = [name for name in settings(table) if name not in ("graph", *SHORT)]
    names += ["seed"] if "seed" in table else []
    varied = [name for name in names if table[name].nunique(dropna=False) > 1]
    design = contents.design
    decide = design.decide.model_dump() | {"seeds: auto": design.auto} if design else {}
    return {
        "same": [(name, text(table[name].iloc[0])) for name in names if name not in varied],
        "varied": [(name, listed(table[name])) for name in varied],
        "decide": [(name, text(value)) for name, value in decide.items()],
    }


def text(value: Any) -> str:
    """A value for reading."""
    if value is None or (not isinstance(value, (list, dict)) and pd.isna(value)):
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def listed(values: pd.Series) -> str:
    """The different values of a column, each once, or how many there are."""
    found = values.drop_duplicates().tolist()
    shown = ", ".join(text(value) for value in found[:_VALUES])
    return shown if len(found) <= _VALUES else f"{shown}, and {len(found) - _VALUES:,} more"
