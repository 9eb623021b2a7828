"""CIFAR-10 (Krizhevsky 2009) as lossy JPEG in a pair of RecordIO files: not the CIFAR-10 of published accuracies."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from ..dataset import Dataset, dataset
from ..formats.download import RemoteFile, locate
from ..formats.recordio import RecordFile
from ..pipeline.pictures import InMemory
from .cifar import CIFAR10_CLASSES as CLASSES

FILES = tuple(
    RemoteFile(name, sha256=sha256)
    for name, sha256 in (
        ("cifar10_train.rec", "c67ec3fcd7cd21c8662f9bb7b356c45b4a22ff8625088cecd69619d34f7e2d78"),
        ("cifar10_train.idx", "8fe8b2cfbf45681d094b72ed958069fc5fb1bb9ccdf09bc1b6401f139dec5a9f"),
        ("cifar10_test.rec", "58be66ac14940ed57cadc1b90022927bda32a1e56b73f2a40e036422e74f3149"),
        ("cifar10_test.idx", "1abca8e9fe6d8a4c9026285b2c7468e4efc986af7769ec22723a617fcd847daf"),
    )
)


@dataset("cifar10-jpeg", shape=(3, 32, 32), classes=10, count=50_000, files=("cifar10", FILES))
def cifar10_jpeg() -> Dataset:
    """60,000 photographs in 10 classes, 32x32, RGB, as lossy JPEG; 50,000 to train on, 10,000 to test on."""
    train_rec, _, test_rec, _ = (locate("cifar10", file) for file in FILES)
    return Dataset(
        "cifar10-jpeg",
        CLASSES,
        _decoded(train_rec),
        _decoded(test_rec),
        mean=(0.49125, 0.48209, 0.44652),
        std=(0.24523, 0.24278, 0.26063),
    )


def _decoded(path: Path) -> InMemory:
    """Decode all pictures of a RecordIO file with Pillow, which gives the same pixels on every machine."""
    from PIL import Image

    records = RecordFile(path)
    images = np.empty((len(records), 32, 32, 3), np.uint8)
    labels = np.empty(len(records), np.int32)
    for place in range(len(records)):
        record = records[place]
        images[place] = Image.open(io.BytesIO(record.content), formats=("JPEG",))
        labels[place] = record.labels[0]
    return InMemory(np.ascontiguousarray(images.transpose(0, 3, 1, 2)), labels)
