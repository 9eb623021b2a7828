"""`rand_augment`: the paper's fourteen operations, each with its strength."""

import numpy as np
import pytest

from resnet_lab.specs.augment import AugmentSpec
from tests.data.augmentations.batches import DRAW, IMAGES, chain


def test_every_operation_of_rand_augment_does_something_but_one():
    from PIL import Image

    from resnet_lab.data.augmentations.rand_augment import CHANGES

    picture = Image.fromarray(np.repeat(np.repeat(IMAGES[0].transpose(1, 2, 0) // 2 + 40, 2, 0), 2, 1))
    same = [np.array_equal(np.asarray(change(picture, 0.9, 1.0)), np.asarray(picture)) for change in CHANGES]
    assert len(same) == 14
    assert same == [True] + [False] * 13
    weak = [np.asarray(change(picture, 0.0, 1.0)) for change in CHANGES[5:]]
    assert all(np.array_equal(array, np.asarray(picture)) for array in weak)


@pytest.mark.parametrize("channels", [1, 3])
def test_colours_change_and_the_shape_stays(channels):
    images = chain(rand_augment=(3, 30)).pixels(IMAGES[:, :channels].copy(), DRAW)
    assert images.shape == (16, channels, 20, 20)
    assert (images != IMAGES[:, :channels]).any(axis=(1, 2, 3)).sum() > 10


def test_the_name_alone_means_two_operations_of_magnitude_nine():
    assert AugmentSpec.model_validate(["rand_augment"]).settings == {"rand_augment": (2, 9)}
    with pytest.raises(ValueError, match="less than or equal to 30"):
        AugmentSpec(rand_augment=(2, 31))
