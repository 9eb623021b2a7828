"""`resize`: squares at the random scales of the paper."""

import numpy as np

from resnet_lab.data.augmentations.resize import scaled_crop
from resnet_lab.data.formats.decode import central
from resnet_lab.specs.augment import AugmentSpec

RNG = np.random.default_rng(0)


def test_scaled_crops_are_those_of_the_paper():
    """The shorter side to 256..480, then 224: the square's side is 224/480 to 224/256 of it, anywhere inside."""
    boxes = np.array([scaled_crop(row, (256, 480), 224)(640, 320) for row in RNG.random((500, 3))])
    sides = boxes[:, 2] - boxes[:, 0]
    assert np.allclose(sides, boxes[:, 3] - boxes[:, 1])
    assert 320 * 224 / 480 - 1e-6 <= sides.min() < 155
    assert 275 < sides.max() <= 320 * 224 / 256
    assert boxes.min() >= 0
    assert boxes[:, 2].max() <= 640
    assert boxes[:, 3].max() <= 320
    assert central(640, 320, 0.875) == (180, 20, 460, 300)


def test_one_length_alone_means_that_length():
    assert AugmentSpec.model_validate([{"resize": 30}]).settings == {"resize": (30, 30)}
    boxes = [scaled_crop(row, (30, 30), 15)(60, 60) for row in RNG.random((50, 3))]
    assert {round(right - left, 9) for left, _, right, _ in boxes} == {30.0}
    assert len({left for left, *_ in boxes}) > 40


def test_a_picture_is_never_enlarged_beyond_its_shorter_side():
    left, top, right, bottom = scaled_crop(RNG.random(3), (16, 16), 32)(40, 20)
    assert (right - left, bottom - top) == (20, 20)
