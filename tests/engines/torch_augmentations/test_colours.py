"""Pillow's operations on colours for many images at once: each gives the bytes that Pillow gives."""

import numpy as np
import pytest

from tests.conftest import engine_or_skip

from .pictures import pictures

ENHANCERS = {"contrasted": "Contrast", "coloured": "Color", "sharpened": "Sharpness"}
FACTORS = (0.0, 0.1, 0.55, 0.999, 1.0, 1.3, 1.9)


@pytest.fixture
def torch():
    engine_or_skip("torch")
    import torch

    return torch


def through(change, images):
    """What a function of Pillow images makes of each image."""
    from resnet_lab.data.augmentations.contract import through_pillow

    made = images.copy()
    for image in made:
        through_pillow(image, change)
    return made


@pytest.mark.parametrize("name", ENHANCERS)
@pytest.mark.parametrize(("channels", "height", "width"), [(3, 17, 23), (1, 12, 9), (3, 2, 5), (1, 1, 1)])
def test_enhanced_images_are_pillows(torch, name, channels, height, width):
    from PIL import ImageEnhance

    from resnet_lab.engines.torch.augmentations import colours

    images = pictures(16, channels, height, width)
    for factor in FACTORS:
        made = getattr(colours, name)(torch.from_numpy(images), torch.full((16,), factor))
        expected = through(lambda image, f=factor: getattr(ImageEnhance, ENHANCERS[name])(image).enhance(f), images)
        assert np.array_equal(made.numpy(), expected), factor


@pytest.mark.parametrize("name", ["autocontrast", "equalize"])
@pytest.mark.parametrize(("channels", "height", "width"), [(3, 17, 23), (1, 40, 33), (3, 2, 5), (1, 1, 1)])
def test_tables_made_from_an_image_are_pillows(torch, name, channels, height, width):
    from PIL import ImageOps

    from resnet_lab.engines.torch.augmentations import colours

    images = pictures(32, channels, height, width)
    made = getattr(colours, name)(torch.from_numpy(images))
    assert np.array_equal(made.numpy(), through(getattr(ImageOps, name), images))


def test_all_pairs_of_lowest_and_highest_level_are_spread_as_by_pillow(torch):
    """A division that a GPU replaced by a product with the reciprocal would differ here."""
    from resnet_lab.engines.torch.augmentations import colours

    low, high = (level.ravel() for level in np.meshgrid(np.arange(256), np.arange(256), indexing="ij"))
    low, high = low[low < high], high[low < high]
    images = np.stack([low, (low + high) // 2, (low + 2 * high) // 3, high], 1).astype(np.uint8)[:, None, :, None]
    scale = 255.0 / (high - low)
    expected = images[:, 0, :, 0] * scale[:, None] + (-low * scale)[:, None]
    made = colours.autocontrast(torch.from_numpy(images))
    assert np.array_equal(made[:, 0, :, 0].numpy(), np.clip(expected.astype(int), 0, 255))


def test_levels_are_blended_as_by_pillow(torch):
    from PIL import Image

    from resnet_lab.engines.torch.augmentations.colours import blend

    start, end = (np.ascontiguousarray(level, np.uint8) for level in np.meshgrid(np.arange(256), np.arange(256)))
    factors = np.random.default_rng(0).uniform(-0.5, 2.5, 40)
    made = blend(torch.from_numpy(start), torch.from_numpy(end).expand(40, 1, -1, -1), torch.tensor(factors).float())
    for image, factor in zip(made, factors, strict=True):
        expected = Image.blend(Image.fromarray(start), Image.fromarray(end), factor)
        assert np.array_equal(image[0].numpy(), np.asarray(expected))


def test_grey_levels_are_pillows(torch):
    from PIL import Image

    from resnet_lab.engines.torch.augmentations.colours import grey

    images = np.random.default_rng(0).integers(0, 256, (1, 3, 300, 200)).astype(np.uint8)
    expected = Image.fromarray(np.ascontiguousarray(images[0].transpose(1, 2, 0))).convert("L")
    assert np.array_equal(grey(torch.from_numpy(images))[0, 0].numpy(), np.asarray(expected))
