"""The table of all trials, which the reader sorts and filters; the page's script draws it a page at a time."""

from __future__ import annotations

import json
import re
from typing import Any

import pandas as pd
from markupsafe import Markup

from ...columns import WHERE, differing
from ...compare import default_columns
from ..contents import Contents

TITLE = "Trials"
_NEVER = ("stale", "graph", "setting", "train.epochs", "train.batch_size", "data.name")


def context(contents: Contents) -> dict[str, Any]:
    """The values of the template: the columns as JSON, and how many rows there are."""
    table = contents.table
    shown = set(default_columns(table))
    varied = {name for name in table if table[name].nunique(dropna=False) > 1}
    names = [name for name in table if name in shown | varied and name not in _NEVER and table[name].notna().any()]
    columns = [_column(name, table[name], name in shown) for name in names]
    text = json.dumps(columns, separators=(",", ":"), allow_nan=False)
    example = "variant=" + str(table["variant"].iloc[0])
    if contents.accuracy:
        example += f" {contents.accuracy}>0.9"
    extra = [name for name in differing(table) if "." in name]
    return {
        "json": Markup(text.replace("<", "\\u003c")),  # so that no text can end the script element
        "count": len(table),
        "example": example + (f" {extra[0]}={table[extra[0]].iloc[0]}" if extra else ""),
    }


def _column(name: str, values: pd.Series, shown: bool) -> dict[str, Any]:
    """A column for the script: its head, how its values are written, and the values; texts by their index."""
    column: dict[str, Any] = {"name": name, "head": _head(name), "shown": shown and name not in WHERE}
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        rounded = [None if pd.isna(value) else _number(value) for value in values.tolist()]
        return column | {"kind": _kind(name), "values": rounded}
    texts = ["" if pd.isna(value) else str(value) for value in values]
    words = list(dict.fromkeys(texts))
    index = {word: position for position, word in enumerate(words)}
    return column | {"kind": "text", "words": words, "values": [index[text] for text in texts]}


def _number(value: float) -> float | int | None:
    """A number with 6 significant digits, which is more than the table shows; infinities have no JSON."""
    if isinstance(value, int):
        return value
    if value in (float("inf"), float("-inf")):
        return None
    return int(value) if value.is_integer() and abs(value) < 1e15 else float(f"{value:.6g}")


def _kind(name: str) -> str:
    if name in ("params", "macs"):
        return "count"
    return "share" if re.search("accuracy|top5|loss", name) else "number"


def _head(name: str) -> str:
    """'train_images_per_s' as 'train img/s'; 'lr' for 'train.optimizer.lr'."""
    short = name.rpartition(".")[2] if "." in name else name
    return short.replace("images_per_s", "img/s").replace("accuracy", "acc.").replace("_", " ")
