"""`rand_augment` on the device: each operation with each sign gives Pillow's bytes, and images keep their places."""

import numpy as np
import pytest

from resnet_lab.data.augmentations.contract import Draw, through_pillow
from resnet_lab.data.augmentations.rand_augment import CHANGES, OPERATIONS, RandAugment
from tests.conftest import engine_or_skip

from .pictures import pictures


class Fixed(RandAugment):
    """The operation with one number and one sign, on every image."""

    def __init__(self, magnitude, number, sign):
        super().__init__((1, magnitude))
        self._drawn = number, sign

    def operations(self, draw, count):
        number, sign = self._drawn
        return np.full((count, 1), number), np.full((count, 1), sign)


def on_device(own, images):
    import torch

    from resnet_lab.engines.torch.augmentations.chunk import Chunk
    from resnet_lab.engines.torch.augmentations.rand_augment import Operations

    device = torch.device("cpu")
    chunk = Chunk([Draw(3, 1, 4)], len(images), np.arange(len(images)), device)
    return Operations(own, images.shape[1:], device)(torch.from_numpy(images), chunk).numpy()


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(("channels", "height", "width"), [(3, 32, 32), (1, 17, 24), (3, 5, 2)])
def test_each_operation_is_pillows(name, channels, height, width):
    engine_or_skip("torch")
    images, number = pictures(8, channels, height, width), list(OPERATIONS).index(name)
    for magnitude in (0, 3, 9, 16, 30):
        for sign in (1.0, -1.0):
            expected = images.copy()
            for image in expected:
                through_pillow(image, lambda picture, m=magnitude, s=sign: CHANGES[number](picture, m / 30, s))
            assert np.array_equal(on_device(Fixed(magnitude, number, sign), images), expected), (magnitude, sign)


@pytest.mark.parametrize("operations", [1, 2, 5])
def test_several_operations_leave_each_image_in_its_place(operations):
    engine_or_skip("torch")
    images, own = pictures(300, 3, 12, 12), RandAugment((operations, 14))
    assert np.array_equal(on_device(own, images), own.pixels(images.copy(), Draw(3, 1, 4)))


def test_every_operation_is_made_in_one_of_the_ways_that_are_known():
    engine_or_skip("torch")
    from resnet_lab.engines.torch.augmentations import rand_augment

    known = {*rand_augment._MOVES, *rand_augment._TABLES, *rand_augment._BLENDS, *rand_augment._OWN_TABLES, "identity"}
    assert known == set(OPERATIONS)
