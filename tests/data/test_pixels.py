"""Operations on batches of pixels: the same bits by every library."""

import sys

import numpy as np
import pytest

from resnet_lab.data.pipeline.pixels import Normalise


@pytest.mark.parametrize("channels", [1, 3])
def test_normalisation_has_the_bits_of_the_table(channels, monkeypatch):
    """By OpenCV, computed, or looked up by NumPy, for many a mean and deviation, every level and any layout."""
    cv2 = pytest.importorskip("cv2")
    rng = np.random.default_rng(0)
    for size in (16, 224):
        images = rng.integers(0, 256, (3, channels, size, size)).astype(np.uint8)
        for mean, std in rng.uniform(0.05, 1, (50 if size == 16 else 3, 2, channels)):
            normalise = Normalise(mean, std)
            assert normalise._computed
            wanted = np.stack([normalise.tables[c][images[:, c]] for c in range(channels)], axis=1)
            for module, computed in ((cv2, True), (None, True), (None, False)):
                monkeypatch.setitem(sys.modules, "cv2", module)
                normalise._computed = computed
                place = np.zeros((4, *images.shape[1:]), np.float32)
                assert np.array_equal(normalise(images), wanted)
                assert np.array_equal(normalise(images, place[:3]), wanted)
                assert np.array_equal(place[:3], wanted)
                assert np.array_equal(normalise(images.transpose(0, 1, 3, 2)), wanted.transpose(0, 1, 3, 2))
                grey = np.broadcast_to(images[:, :1], images.shape)
                assert np.array_equal(normalise(grey), normalise(grey.copy()))
                assert normalise(images[:0]).shape == (0, *images.shape[1:])
