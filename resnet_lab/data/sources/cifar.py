"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009), read from the author's binary or Python archives without unpacking."""

from __future__ import annotations

import io
import pickle
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...base.errors import LabError
from ..dataset import Dataset, dataset, statistics
from ..formats.download import RemoteFile, chosen, locate
from ..pipeline.pictures import InMemory

_SOURCE = "https://www.cs.toronto.edu/~kriz"
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_PIXELS = 3 * 32 * 32


def _archive(name: str, md5: str, instead: RemoteFile | None = None) -> RemoteFile:
    return RemoteFile(name, f"{_SOURCE}/{name}", md5, instead=instead)


_CIFAR10 = _archive(
    "cifar-10-binary.tar.gz",
    "c32a1d4ab5d03f1284b67883e8d87530",
    _archive("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a"),
)
_CIFAR100 = _archive(
    "cifar-100-binary.tar.gz",
    "03b5dce01913d631647c71ecec9e9cb8",
    _archive("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85"),
)


@dataset("cifar10", shape=(3, 32, 32), classes=10, count=50_000, files=("cifar10", (_CIFAR10,)))
def cifar10() -> Dataset:
    """60,000 photographs in 10 classes, 32x32, RGB; 50,000 to train on, 10,000 to test on."""
    return _dataset("cifar10", _CIFAR10)


@dataset("cifar100", shape=(3, 32, 32), classes=100, count=50_000, files=("cifar100", (_CIFAR100,)))
def cifar100() -> Dataset:
    """60,000 photographs in 100 classes, 32x32, RGB; 50,000 to train on, 10,000 to test on."""
    return _dataset("cifar100", _CIFAR100)


def _dataset(name: str, binary: RemoteFile) -> Dataset:
    """Read a dataset from its binary archive, or from the Python archive if only that one is on this machine."""
    file = chosen(name, binary)
    train, test, classes = (read_binary if file is binary else read_pickled)(locate(name, file))
    return Dataset(name, classes, train, test, *statistics(train.images))


def read_binary(path: Path) -> tuple[InMemory, InMemory, tuple[str, ...]]:
    """Read a binary archive, whose records are a label (CIFAR-100: two labels) and the pixels of an image.

    Returns:
        The training images, the test images and the names of the classes.

    Raises:
        LabError: the archive is damaged.
    """
    members = _members(path)
    fine = "fine_label_names.txt" in members
    names = members.get("fine_label_names.txt" if fine else "batches.meta.txt", b"").decode().split()
    width = _PIXELS + (2 if fine else 1)
    splits = []
    for parts in (_TRAIN, _TEST):
        content = b"".join(members.get(f"{part}.bin", b"") for part in parts)
        if not content or len(content) % width:
            raise LabError(
                f"is damaged: its images take {len(content)} bytes, which is no multiple of {width}", file=path
            )
        rows = np.frombuffer(content, np.uint8).reshape(-1, width)
        splits.append(
            InMemory(
                np.ascontiguousarray(rows[:, -_PIXELS:]).reshape(-1, 3, 32, 32), rows[:, -_PIXELS - 1].astype(np.int32)
            )
        )
    return splits[0], splits[1], tuple(names)


_TRAIN = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "train")
_TEST = ("test_batch", "test")


def read_pickled(path: Path) -> tuple[InMemory, InMemory, tuple[str, ...]]:
    """Read a Python archive; the result is that of `read_binary`.

    Raises:
        LabError: the archive is damaged, or holds objects other than arrays and plain values.
    """
    members = {
        name: content for name, content in _members(path).items() if name in (*_TRAIN, *_TEST, "meta", "batches.meta")
    }
    try:
        tables = {
            name: _PlainUnpickler(io.BytesIO(content), encoding="latin1").load() for name, content in members.items()
        }
        splits = [_joined([tables[name] for name in names if name in tables]) for names in (_TRAIN, _TEST)]
        meta = tables["meta"] if "meta" in tables else tables["batches.meta"]
        classes = meta["fine_label_names"] if "fine_label_names" in meta else meta["label_names"]
    except (pickle.UnpicklingError, EOFError, KeyError, ValueError, TypeError) as error:
        raise LabError(f"is damaged: {type(error).__name__}: {error}", file=path) from None
    return splits[0], splits[1], tuple(classes)


def _joined(tables: Sequence[dict[str, Any]]) -> InMemory:
    """Join the images and the labels of several parts of a Python archive."""
    images = np.concatenate([np.asarray(table["data"], np.uint8) for table in tables]).reshape(-1, 3, 32, 32)
    labels = [label for table in tables for label in table["fine_labels" if "fine_labels" in table else "labels"]]
    return InMemory(images, np.array(labels, np.int32))


class _PlainUnpickler(pickle.Unpickler):
    """Reads arrays and plain values from a pickle, and refuses everything else, so that no code of the file runs."""

    _ALLOWED = ("_reconstruct", "ndarray", "dtype", "scalar")

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] == "numpy" and name in self._ALLOWED:
            return super().find_class(module.replace("numpy._core", "numpy.core"), name)
        if (module, name) == ("_codecs", "encode"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it refers to {module}.{name}, which is neither an array nor a plain value")


def _members(path: Path) -> dict[str, bytes]:
    """Read all files of an archive; the keys are the file names without their folders."""
    try:
        with tarfile.open(path) as archive:
            contents = {}
            for member in archive:
                stream = archive.extractfile(member) if member.isfile() else None
                if stream is not None:
                    contents[Path(member.name).name] = stream.read()
            return contents
    except (tarfile.TarError, EOFError, OSError) as error:
        raise LabError(f"is damaged: {error}", file=path) from None
