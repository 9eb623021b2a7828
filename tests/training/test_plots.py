"""Plots of predictions: what can be drawn is drawn, and what cannot is a message."""

import numpy as np
import pytest
from PIL import Image

from resnet_lab import LabError
from resnet_lab.training import plots
from resnet_lab.training.prediction import Guess, Prediction

pytest.importorskip("matplotlib")


def test_one_row_for_each_picture_that_could_be_read(tmp_path):
    image = tmp_path / "a.png"
    Image.new("RGB", (40, 40), "red").save(image)
    good = Prediction(image, (Guess(0, "red_thing", 0.75), Guess(1, "other", 0.25)))
    heights = []
    for found in ([good], [good, Prediction(tmp_path / "b.png", problem="damaged"), good]):
        plots.predictions(found, tmp_path / "plot.png")
        with Image.open(tmp_path / "plot.png") as plot:
            heights.append(plot.size[1])
            pixels = np.asarray(plot.convert("RGB")).astype(int)
        assert ((pixels[..., 0] > 200) & (pixels[..., 1:].max(axis=2) < 50)).any()  # the picture itself
    assert heights[1] == pytest.approx(2 * heights[0], abs=2)


def test_nothing_to_draw(tmp_path):
    with pytest.raises(LabError, match="there is no picture to plot"):
        plots.predictions([Prediction(tmp_path / "b.png", problem="damaged")], tmp_path / "plot.png")
