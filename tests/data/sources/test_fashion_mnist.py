"""Fashion-MNIST as its publisher describes it, and the idx files that it shares with MNIST."""

import gzip

import numpy as np
import pytest

from resnet_lab import LabError, data
from resnet_lab.data.dataset import statistics
from resnet_lab.data.sources.fashion_mnist import read_idx


def test_fashion_mnist_is_the_official_one(shared_data):
    fashion = data.load("fashion_mnist")
    assert (fashion.shape, len(fashion.train), len(fashion.test)) == ((1, 28, 28), 60_000, 10_000)
    assert fashion.train.labels[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert fashion.test.labels[:10].tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]
    assert np.bincount(fashion.train.labels).tolist() == [6000] * 10
    (mean,), (std,) = statistics(fashion.train.images)
    assert (round(mean, 6), round(std, 6)) == (fashion.mean[0], fashion.std[0]) == (0.286041, 0.353024)
    # Exactly 0.3524441...; the data's own README says 0.352442.
    assert [round(value[0], 6) for value in statistics(fashion.test.images)] == [0.286849, 0.352444]


@pytest.mark.parametrize(
    "content",
    [
        b"no gzip",
        gzip.compress(b"\0\0\x08\x01\0\0\0\x05abc", mtime=0),
        gzip.compress(b"\0\0\x0d\x01", mtime=0),
        gzip.compress(b"\0\0\x08\x01\0\0\0\x03abc", mtime=0)[:-9],
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path, content):
    (tmp_path / "x.gz").write_bytes(content)
    with pytest.raises(LabError, match=r"x\.gz: is (damaged|no idx file)"):
        read_idx(tmp_path / "x.gz")
