"""scikit-learn's digits with a fixed split."""

import numpy as np
import pytest

from resnet_lab import LabError, data
from resnet_lab.data.sources import digits as module


def test_digits_are_scikit_learns_with_a_fixed_split():
    digits = data.load("digits")
    assert (digits.shape, len(digits.train), len(digits.test), len(digits.classes)) == ((1, 8, 8), 1437, 360, 10)
    assert digits.test.labels[:10].tolist() == [7, 9, 4, 7, 0, 2, 6, 1, 3, 1]
    assert np.bincount(digits.train.labels).min() > 130
    from sklearn.datasets import load_digits

    theirs = np.rint(load_digits().images * (255 / 16)).astype(np.uint8)
    together = np.concatenate([digits.train.images, digits.test.images])
    assert sorted(image.tobytes() for image in together) == sorted(image.tobytes() for image in theirs)
    assert digits.train.images.max() == 255
    assert digits.train.images.mean() / 255 == pytest.approx(digits.mean[0], abs=1e-6)
    assert (digits.train.images / 255).std() == pytest.approx(digits.std[0], abs=1e-6)
    declared = data.DATASETS.get("digits")
    assert (declared.fixed.shape, declared.fixed.count, declared.fixed.classes) == (digits.shape, len(digits.train), 10)


def test_without_scikit_learn_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        LabError,
        match=r"the dataset 'digits' is part of scikit-learn, which is not installed: pip install scikit-learn",
    ):
        data.load("digits")
