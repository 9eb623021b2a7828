"""CIFAR-10 as lossy JPEG."""

import numpy as np
import pytest

from resnet_lab import LabError, data
from resnet_lab.data.dataset import statistics


def test_cifar10_jpeg_is_what_its_readme_states(shared_data):
    cifar = data.load("cifar10-jpeg")
    assert (cifar.name, cifar.shape, len(cifar.classes)) == ("cifar10-jpeg", (3, 32, 32), 10)
    assert (len(cifar.train), len(cifar.test)) == (50_000, 10_000)
    assert np.bincount(cifar.train.labels).tolist() == [5000] * 10
    assert np.bincount(cifar.test.labels).tolist() == [1000] * 10
    assert cifar.test.labels[:20].tolist() == [*range(10), *range(10)]
    assert cifar.classes[3] == "cat"
    for known, found in zip((cifar.mean, cifar.std), statistics(cifar.train.images), strict=True):
        assert tuple(round(value, 5) for value in found) == known
    assert [[round(value, 5) for value in values] for values in statistics(cifar.test.images)] == [
        [0.49407, 0.48506, 0.45038],
        [0.24485, 0.24220, 0.26058],
    ]


def test_cifar10_jpeg_without_its_files_says_what_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("RESNET_LAB_DATA", raising=False)
    monkeypatch.delenv("RESNET_LAB_MIRROR", raising=False)
    with pytest.raises(
        LabError, match=r"cifar10_train\.rec is not here.*put it into .*cifar10 by hand \(SHA256 c67ec3"
    ):
        data.load("cifar10-jpeg")
