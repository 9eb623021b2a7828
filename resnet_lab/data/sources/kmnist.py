"""Kuzushiji-MNIST (Clanuwat et al. 2018): 70,000 handwritten characters of old Japanese books, 28x28."""

from __future__ import annotations

from ..dataset import Dataset, dataset, statistics
from ..formats.download import RemoteFile
from .fashion_mnist import read_splits

_SOURCE = "http://codh.rois.ac.jp/kmnist/dataset/kmnist"
FILES = tuple(
    RemoteFile(name, f"{_SOURCE}/{name}", md5)
    for name, md5 in (
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    )
)


@dataset("kmnist", shape=(1, 28, 28), classes=10, count=60_000, files=("kmnist", FILES))
def kmnist() -> Dataset:
    """70,000 handwritten Japanese characters, 28x28, grey; 60,000 to train on, 10,000 to test on."""
    train, test = read_splits("kmnist", FILES)
    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    return Dataset("kmnist", classes, train, test, *statistics(train.images))
