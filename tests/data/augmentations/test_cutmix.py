"""`cutmix`: the labels follow the area of the rectangle."""

import numpy as np
import pytest

from resnet_lab.data.augmentations.contract import Draw
from tests.data.augmentations.batches import NORMAL, chain, golden


def test_cutmix_labels_are_the_area_that_is_left():
    labels = np.arange(16, dtype=np.int32)
    seen = set()
    for step in range(20):
        images = NORMAL.copy()
        shares = chain(cutmix=1.0).mix(images, labels, 16, Draw(3, 1, step))
        kept = (images[0] == NORMAL[0]).all(axis=0)
        assert shares[0, labels[0]] == pytest.approx(kept.mean(), abs=1e-6)
        assert np.array_equal(images[0][:, ~kept], NORMAL[-1][:, ~kept])
        assert np.allclose(shares.sum(axis=1), 1)
        seen.add(round(float(kept.mean()), 2))
    assert len(seen) > 10


def test_batches_stay_as_they_were():
    """The digest is from the code that first had this augmentation."""
    assert golden(cutmix=1.0) == "a46b4161cbfe873c"
