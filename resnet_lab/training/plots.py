"""Plots of predictions, drawn by matplotlib without a display."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..base import figures
from ..base.errors import LabError

if TYPE_CHECKING:
    from .prediction import Prediction


def predictions(made: Sequence[Prediction], path: Path) -> None:
    """Draw each picture beside a bar chart of its classes and their probabilities, one picture below the other.

    Raises:
        LabError: As `figures.check`; or no picture could be read, or the file cannot be written.
    """
    from ..data.formats import picture

    figures.check(path)
    done = [prediction for prediction in made if not prediction.problem]
    if not done:
        raise LabError("there is no picture to plot")
    figure = figures.figure(8, 2.4 * len(done))
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
    figures.save(figure, path)
