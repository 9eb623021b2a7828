"""`mixup`: pictures and labels are mixed in the same shares."""

import numpy as np

from tests.data.augmentations.batches import DRAW, NORMAL, chain, golden


def test_mixup_mixes_pictures_and_labels_in_the_same_shares():
    labels = np.arange(16, dtype=np.int32) % 5
    images = NORMAL.copy()
    shares = chain(mixup=1.0).mix(images, labels, 5, DRAW)
    assert np.allclose(shares.sum(axis=1), 1)
    own = labels != labels[::-1]
    share = shares[np.arange(16), labels][own]
    assert np.ptp(share) == 0
    expected = share[0] * NORMAL + (1 - share[0]) * NORMAL[::-1]
    assert np.allclose(images, expected, atol=1e-5)
    assert 0 < share[0] < 1


def test_batches_stay_as_they_were():
    """The digest is from the code that first had this augmentation."""
    assert golden(mixup=1.0) == "027091b2c6bfa124"
