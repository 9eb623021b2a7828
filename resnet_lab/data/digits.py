"""scikit-learn's 1,797 scans of handwritten digits, 8x8 and grey: real data that needs no download."""

from __future__ import annotations

import numpy as np

from .dataset import Dataset, Split, dataset, statistics

_TRAIN = 1437


@dataset("digits", shape=(1, 8, 8), classes=10, count=1437)
def digits() -> Dataset:
    """1,797 scanned digits, 8x8, grey; 1,437 to train on, 360 to test on."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
    labels = bunch.target.astype(np.int32)
    order = np.random.RandomState(0).permutation(len(labels))  # RandomState's streams are frozen for good
    train, test = (Split(images[part], labels[part]) for part in (order[:_TRAIN], order[_TRAIN:]))
    return Dataset("digits", tuple("0123456789"), train, test, *statistics(train.images))
