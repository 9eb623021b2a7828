"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017): 70,000 grey pictures of clothing, 28x28."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...base.errors import LabError
from ..dataset import Dataset, dataset
from ..formats.download import RemoteFile, locate
from ..pipeline.pictures import InMemory

_SOURCE = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
FILES = tuple(
    RemoteFile(name, f"{_SOURCE}/{name}", md5, size)
    for name, md5, size in (
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26421880),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", 29515),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", 4422102),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", 5148),
    )
)
CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


@dataset("fashion_mnist", shape=(1, 28, 28), classes=10, count=60_000, files=("fashion-mnist", FILES))
def fashion_mnist() -> Dataset:
    """70,000 pictures of clothing in 10 classes, 28x28, grey; 60,000 to train on, 10,000 to test on."""
    train, test = read_splits("fashion-mnist", FILES)
    return Dataset("fashion_mnist", CLASSES, train, test, mean=(0.286041,), std=(0.353024,))


def read_splits(folder: str, files: tuple[RemoteFile, ...]) -> list[InMemory]:
    """Read the training and the test images from the four files of MNIST and of datasets of the same form."""
    images = [read_idx(locate(folder, file)) for file in files]
    return [
        InMemory(pixels[:, None], labels.astype(np.int32))
        for pixels, labels in zip(images[::2], images[1::2], strict=True)
    ]


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read a gzipped idx file of bytes.

    The file begins with the magic number 0x000008DD, where DD is the number of dimensions; the dimensions follow as
    big-endian 32-bit numbers, then the bytes.

    Raises:
        LabError: the file is damaged, or is not an idx file of bytes.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise LabError(f"is damaged: {error}", file=path) from None
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise LabError("is no idx file of bytes", file=path)
    rank = content[3]
    shape = tuple(int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank))
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * rank)
    if values.size != np.prod(shape):
        raise LabError(f"is damaged: {values.size} bytes for the shape {shape}", file=path)
    return values.reshape(shape)
