"""MNIST (LeCun, Cortes and Burges 1998): 70,000 handwritten digits, 28x28."""

from __future__ import annotations

from ..dataset import Dataset, dataset, statistics
from ..formats.download import RemoteFile
from .fashion_mnist import read_splits

_SOURCE = "https://ossci-datasets.s3.amazonaws.com/mnist"
FILES = tuple(
    RemoteFile(name, f"{_SOURCE}/{name}", md5)
    for name, md5 in (
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    )
)


@dataset("mnist", shape=(1, 28, 28), classes=10, count=60_000, files=("mnist", FILES))
def mnist() -> Dataset:
    """70,000 handwritten digits, 28x28, grey; 60,000 to train on, 10,000 to test on."""
    train, test = read_splits("mnist", FILES)
    return Dataset("mnist", tuple("0123456789"), train, test, *statistics(train.images))
