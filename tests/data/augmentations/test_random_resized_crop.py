"""`random_resized_crop`: parts of random area and shape that lie inside the picture."""

import math

import numpy as np
import pytest

from resnet_lab.data.augmentations.contract import Draw
from resnet_lab.data.augmentations.random_resized_crop import random_resized
from tests.data.augmentations.batches import IMAGES, feed

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("width", "height"), [(500, 375), (375, 500), (32, 32), (1000, 40), (1, 1)])
def test_random_resized_crops_lie_inside_and_have_the_area_and_ratio_they_should(width, height):
    boxes = [random_resized(row, (0.08, 1.0))(width, height) for row in RNG.random((500, 22))]
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
    if min(width, height) > 300:
        areas = np.array([(r - x) * (b - y) for x, y, r, b in boxes]) / (width * height)
        ratios = np.array([(r - x) / (b - y) for x, y, r, b in boxes])
        assert 0.075 < areas.min() < 0.12
        assert 0.85 < areas.max() <= 1
        assert 3 / 4 - 0.02 < ratios.min() < 0.8
        assert 1.25 < ratios.max() < 4 / 3 + 0.02
        assert np.median([left for left, *_ in boxes]) > 20


def test_a_view_of_a_picture_in_memory_is_pillows():
    from PIL import Image

    source = feed(random_resized_crop=(0.2, 0.9))
    images, _, _ = source.make(0, 0)
    order = source.draws(0).order
    view = source.chain.views(Draw(3, 0, 0), 16, 20)[2]
    expected = Image.fromarray(IMAGES[order[2]].transpose(1, 2, 0)).resize(
        (20, 20), Image.Resampling.BILINEAR, box=view(20, 20)
    )
    assert math.isclose(float(images[2].max()), float((np.asarray(expected) / 255 - 0.5).max() / 0.3), rel_tol=1e-6)
    assert np.allclose(images[2], (np.asarray(expected).transpose(2, 0, 1) / 255 - 0.5) / 0.3, atol=1e-6)
