"""`flip`: mirror images."""

import numpy as np

from resnet_lab.data.augmentations.contract import Draw
from tests.data.augmentations.batches import IMAGES, chain, golden


def test_the_pictures_that_were_drawn_are_mirrored():
    flips = np.arange(16) % 3 == 0
    draw = Draw(3, 1, 4, flips=flips)
    images = chain(flip=True).pixels(IMAGES.copy(), draw)
    assert np.array_equal(images[flips], IMAGES[flips][..., ::-1])
    assert np.array_equal(images[~flips], IMAGES[~flips])


def test_batches_stay_as_they_were():
    """The digest is from the code that first had this augmentation."""
    assert golden(flip=True) == "e6b43ae0f79449f9"
