"""`random_erasing`: rectangles become the mean of the data."""

import numpy as np

from tests.data.augmentations.batches import DRAW, NORMAL, chain, golden


def test_erasing_puts_the_mean_into_rectangles():
    images = NORMAL.copy()
    chain(random_erasing=0.5).normalised(images, DRAW)
    erased = (images == 0).any(axis=(1, 2, 3))
    assert 3 <= erased.sum() <= 13
    assert np.array_equal(images[~erased], NORMAL[~erased])
    for image in images[erased]:
        gone = (image == 0).all(axis=0)
        rows, columns = np.flatnonzero(gone.any(axis=1)), np.flatnonzero(gone.any(axis=0))
        assert gone.sum() == len(rows) * len(columns)
        assert 0.01 < gone.mean() < 0.4


def test_batches_stay_as_they_were():
    """The digest is from the code that first had this augmentation."""
    assert golden(random_erasing=0.9) == "b594a8c22f66f3e2"
