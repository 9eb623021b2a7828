"""Plots of predictions, drawn by matplotlib without a display."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.errors import LabError

if TYPE_CHECKING:
    from .prediction import Prediction

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


def _figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Any, path: Path) -> None:
    try:
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as error:
        raise LabError(f"the plot cannot be written: {error}", file=path) from None


def predictions(made: Sequence[Prediction], path: Path) -> None:
    """Draw each picture beside a bar chart of its classes and their probabilities, one picture below the other.

    Raises:
        LabError: As `check`; or no picture could be read, or the file cannot be written.
    """
    from ..data.formats import picture

    check(path)
    done = [prediction for prediction in made if not prediction.problem]
    if not done:
        raise LabError("there is no picture to plot")
    figure = _figure(8, 2.4 * len(done))
    for (left, right), prediction in zip(figure.subplots(len(done), 2, squeeze=False), done, strict=True):
        left.imshow(picture.read(prediction.image))
        left.set_axis_off()
        left.set_title(prediction.image.name, fontsize=9)
        names = [guess.name.replace("_", " ") for guess in prediction.guesses]
        shares = [guess.probability for guess in prediction.guesses]
        bars = right.barh(range(len(names)), shares, color="#4878a8")
        right.bar_label(bars, [f"{share:.3f}" for share in shares], padding=3, fontsize=8)
        right.set_yticks(range(len(names)), names, fontsize=9)
        right.invert_yaxis()
        right.set_xlim(0, 1.15)
        right.set_xticks([0, 0.5, 1])
        right.spines[["top", "right"]].set_visible(False)
    _save(figure, path)
