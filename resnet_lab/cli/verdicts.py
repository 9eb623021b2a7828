"""How verdicts look on a terminal: a table of differences, a line for each verdict, and what a reader must know."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .tables import Column, cell, fitting, print_columns, terminal_width

if TYPE_CHECKING:
    from ..results.verdict import Verdict

_DISPENSABLE = ("correlation", "image_noise", "detectable", "bca", "std")
"""Columns that a narrow terminal loses, the first one first."""


def show(found: Sequence[Verdict]) -> None:
    """Print verdicts so that they fit the terminal."""
    from ..results.verdict import caveats

    if not found:
        return
    width = terminal_width()
    columns = _columns(found)
    shown = fitting(columns, width, _DISPENSABLE)
    print_columns(shown, width)
    print()
    for verdict in found:
        _print(f"{verdict.variant}, {_words(verdict.metric)}: {verdict.word}; {verdict.reason}", width)
    for line in caveats(found):
        _print(f"note: {line}", width)
    if len(shown) < len(columns):
        _print(f"{len(columns) - len(shown)} column(s) left out; --format csv shows them", width)


def _columns(found: Sequence[Verdict]) -> list[Column]:
    texts: dict[str, list[str]] = {
        "variant": [one.variant for one in found],
        "metric": [_words(one.metric) for one in found],
        "verdict": [str(one.word) for one in found],
        "n": [str(one.n) for one in found],
        "difference": [_signed(one.metric, one.difference) for one in found],
        "std": [_number(one.metric, one.std) for one in found],
        "interval": [_interval(one.metric, one.low, one.high) for one in found],
        "bca": [_interval(one.metric, one.bca_low, one.bca_high) for one in found],
        "p": ["" if math.isnan(one.p) else f"{one.p:.2g}" for one in found],
        "correlation": ["" if math.isnan(one.correlation) else f"{one.correlation:.2f}" for one in found],
        "image_noise": [_number(one.metric, one.image_noise) for one in found],
        "detectable": [_number(one.metric, one.detectable) for one in found],
    }
    left = ("variant", "metric", "verdict")
    heads = {"bca": "bootstrap", "image_noise": "test images"}
    return [
        Column(name, heads.get(name, name), tuple(cells), right=name not in left)
        for name, cells in texts.items()
        if any(cells)
    ]


def _interval(metric: str, low: float, high: float) -> str:
    if math.isnan(low) or low == high:
        return ""
    if math.isinf(low) and math.isinf(high):
        return "none"
    return f"{_signed(metric, low)} to {_signed(metric, high)}"


def _signed(metric: str, value: float) -> str:
    """A difference with its sign; '' where it is not known."""
    text = _number(metric, abs(value))
    return text and ("-" if value < 0 else "+") + text


def _number(metric: str, value: float) -> str:
    return "" if math.isnan(value) else "inf" if math.isinf(value) else cell(metric, value)


def _words(metric: str) -> str:
    return metric.replace("images_per_s", "images/s").replace("_", " ")


def _print(text: str, width: int) -> None:
    print(textwrap.fill(text, width, subsequent_indent="  ", break_on_hyphens=False))
