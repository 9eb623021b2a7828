"""Parts of images resized to the whole size: each pixel is the one that Pillow's bilinear filter gives."""

import numpy as np
import pytest

from tests.conftest import engine_or_skip

from .pictures import pictures


class Boxes:
    """An augmentation that shows given parts."""

    def __init__(self, boxes):
        self.boxes = boxes

    def views(self, draw, count, size):
        return [lambda width, height, box=box: box for box in self.boxes]


@pytest.mark.parametrize(("channels", "height", "width"), [(3, 32, 32), (1, 17, 40), (1, 1, 3), (3, 96, 7)])
def test_any_part_of_an_image_is_resized_as_by_pillow(channels, height, width):
    engine_or_skip("torch")
    import torch

    from resnet_lab.data.augmentations.contract import Draw
    from resnet_lab.data.pipeline.pixels import viewed
    from resnet_lab.engines.torch.augmentations.chunk import Chunk
    from resnet_lab.engines.torch.augmentations.views import Views

    rng = np.random.default_rng(0)
    low, high = np.sort(rng.random((2, 200, 2)), axis=0)
    boxes = np.concatenate([low, high], 1) * (width, height, width, height)
    boxes[:50] = np.floor(boxes[:50]) + np.array((0, 0, 1, 1))  # whole pixels, as random_resized_crop draws them
    boxes[50:60] = 0, 0, width, height
    boxes[60:80, 0], boxes[80:100, 3] = 0, height
    images = pictures(200, channels, height, width)
    own = Boxes([tuple(map(float, box)) for box in boxes])
    chunk = Chunk([Draw(0, 0, 0)], 200, np.arange(200), torch.device("cpu"))
    made = Views(own, images.shape[1:], torch.device("cpu"))(torch.from_numpy(images), chunk)
    assert np.array_equal(made.numpy(), viewed(images, own.views(None, 200, height)))
