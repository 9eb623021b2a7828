"""MNIST from its four files."""

import pytest

from resnet_lab.data.sources import mnist
from tests.data.sources.idx import read_from_four_files


def test_the_four_files_are_checked_and_read(tmp_path, monkeypatch):
    found = read_from_four_files(mnist, "mnist", tmp_path, monkeypatch)
    assert (found.name, found.shape, len(found.train), len(found.test)) == ("mnist", (1, 28, 28), 6, 4)
    assert found.test.labels.tolist() == [0, 1, 2, 3]
    assert (found.classes[0], found.classes[-1], len(found.classes)) == ("0", "9", 10)
    assert found.mean == pytest.approx((found.train.images.mean() / 255,))
