"""Figures that matplotlib draws without a display; matplotlib is an optional package."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from .errors import LabError

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""The colours of Okabe and Ito (2008), which colour-blind readers can tell apart."""

INSTALL = "pip install 'resnet-lab[plot]'"


def check(path: Path) -> None:
    """Check that a plot can be drawn into a file.

    Raises:
        LabError: matplotlib is not installed, or the path has no suffix or names no file in an existing folder.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise LabError(f"plots are drawn by matplotlib, which is not installed: {INSTALL}")
    if not path.suffix or path.is_dir() or not path.parent.is_dir():
        raise LabError(
            f"'{path}' names no file for a plot: name a file with a suffix such as .png, in an existing folder"
        )


def figure(width: float, height: float) -> Any:
    """An empty figure of matplotlib; width and height are in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(made)
    return made


def save(made: Any, path: Path) -> None:
    """Write a figure into a file.

    Raises:
        LabError: matplotlib does not know the suffix, or the file cannot be written.
    """
    try:
        made.savefig(path, dpi=110)
    except (OSError, ValueError) as error:
        raise LabError(f"the plot cannot be written: {error}", file=path) from None
