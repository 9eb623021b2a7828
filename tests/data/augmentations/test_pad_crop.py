"""`pad_crop`: crops from pictures with zero pixels around them."""

import numpy as np
import pytest

from resnet_lab.data.augmentations.contract import Draw
from resnet_lab.specs.augment import AugmentSpec
from tests.data.augmentations.batches import IMAGES, chain, golden


def test_a_corner_is_a_shift_and_zeros_come_in():
    corners = np.tile([[2, 2], [0, 2], [4, 3]], (6, 1))[:16]
    images = chain(pad_crop=2).pixels(IMAGES, Draw(3, 1, 4, corners=corners))
    assert np.array_equal(images[0], IMAGES[0])
    assert np.array_equal(images[1][:, 2:], IMAGES[1][:, :-2])
    assert not images[1][:, :2].any()
    assert np.array_equal(images[2][:, :-2, :-1], IMAGES[2][:, 2:, 1:])
    assert not images[2][:, -2:].any()
    assert not images[2][:, :, -1].any()


def test_no_pixels_around_mean_no_augmentation():
    assert AugmentSpec(pad_crop=0) == AugmentSpec()
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        AugmentSpec(pad_crop=-1)


def test_batches_stay_as_they_were():
    """The digest is from the code that first had this augmentation."""
    assert golden(pad_crop=3) == "ba71e479ea7bcb3f"
