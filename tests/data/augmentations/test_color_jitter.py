"""`color_jitter`: brightness, contrast and saturation change."""

import numpy as np
import pytest

from tests.data.augmentations.batches import DRAW, IMAGES, chain


@pytest.mark.parametrize("channels", [1, 3])
def test_colours_change_and_the_shape_stays(channels):
    images = chain(color_jitter=0.8).pixels(IMAGES[:, :channels].copy(), DRAW)
    assert images.shape == (16, channels, 20, 20)
    assert (images != IMAGES[:, :channels]).any(axis=(1, 2, 3)).sum() > 10


def test_brightness_stays_within_the_factors_of_the_setting():
    """On pictures of one grey value, contrast and saturation change nothing."""
    grey = np.full((16, 3, 8, 8), 100, np.uint8)
    levels = chain(color_jitter=0.3).pixels(grey.copy(), DRAW)
    assert (np.ptp(levels, axis=(1, 2, 3)) == 0).all()
    assert 69 <= levels.min() < 85
    assert 115 < levels.max() <= 130
