"""Arrays from a person's .npz file, and random images for measurements of speed."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import LabError
from ..dataset import Dataset, Facts, dataset, find, statistics
from ..pipeline.pictures import InMemory

_KEYS = (("train_images", "train_labels", "test_images", "test_labels"), ("x_train", "y_train", "x_test", "y_test"))


def _arrays_facts(path: Path) -> Facts:
    raw = arrays(path)
    return Facts(raw.shape, len(raw.classes), len(raw.train))


@dataset("arrays", facts=_arrays_facts)
def arrays(path: Path) -> Dataset:
    """A .npz file: train_images, train_labels, test_images, test_labels (or x_train, ...); `classes` is optional.

    Images are uint8: (count, height, width), (count, height, width, 1 or 3) or (count, 1 or 3, height, width);
    labels are whole numbers from 0; `classes`, an array of names.

    Args:
        path: the file; relative to the experiment's file, the working directory or $RESNET_LAB_DATA.
    """
    file = find(path)
    stored = _read(file)
    keys = next((keys for keys in _KEYS if all(key in stored for key in keys)), None)
    if keys is None:
        raise LabError(f"holds {', '.join(stored) or 'nothing'}, where {', '.join(_KEYS[0])} were expected", file=file)
    train, test = (
        InMemory(_images(stored[image], image, file), _labels(stored[label], label, len(stored[image]), file))
        for image, label in (keys[:2], keys[2:])
    )
    if train.shape != test.shape:
        raise LabError(f"the training images are {train.shape}, but the test images are {test.shape}", file=file)
    if "classes" in stored:
        names = tuple(str(name) for name in stored["classes"])
    else:
        names = tuple(str(number) for number in range(int(train.labels.max(initial=0)) + 1))
    return Dataset("arrays", names, train, test, *statistics(train.images))


def _read(file: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of a .npz file by name, without running code from it."""
    try:
        with np.load(file, allow_pickle=False) as content:
            if not hasattr(content, "files"):
                raise LabError(
                    "holds a single array, but a .npz file with several named arrays was expected", file=file
                )
            return {name: content[name] for name in content.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise LabError(f"is no .npz file of plain arrays: {error}", file=file) from None


def _images(array: NDArray[Any], key: str, file: Path) -> NDArray[np.uint8]:
    """Return the images as uint8 (count, channels, height, width). Raises LabError: they have another form."""
    if array.dtype == np.uint8 and array.ndim == 3:
        return array[:, None]
    if array.dtype == np.uint8 and array.ndim == 4 and array.shape[3] in (1, 3):
        return np.ascontiguousarray(array.transpose(0, 3, 1, 2))
    if array.dtype == np.uint8 and array.ndim == 4 and array.shape[1] in (1, 3):
        return array
    raise LabError(
        f"'{key}' is {array.dtype} {array.shape}, where uint8 (count, height, width[, 1 or 3]) was expected", file=file
    )


def _labels(array: NDArray[Any], key: str, count: int, file: Path) -> NDArray[np.int32]:
    """Return the labels as int32 (count,). Raises LabError: they are not `count` whole numbers."""
    flat = array.reshape(-1)
    if not np.issubdtype(array.dtype, np.integer) or len(flat) != count:
        raise LabError(f"'{key}' is {array.dtype} {array.shape}, where {count} whole numbers were expected", file=file)
    return flat.astype(np.int32)


def _synthetic_facts(size: int = 32, classes: int = 10, count: int = 1024) -> Facts:
    return Facts((3, size, size), classes, count)


@dataset("synthetic", facts=_synthetic_facts)
def synthetic(size: int = 32, classes: int = 10, count: int = 1024) -> Dataset:
    """Noise with random labels, for measurements of speed; accuracies on it mean nothing.

    Args:
        classes: the number of classes.
        count: the number of images to train on; there are as many to test on, but at most 256.
    """
    generator = np.random.default_rng(0)
    train, test = (
        InMemory(
            generator.integers(0, 256, (amount, 3, size, size), np.uint8),
            generator.integers(0, classes, amount, np.int32),
        )
        for amount in (count, min(count, 256))
    )
    names = tuple(str(number) for number in range(classes))
    return Dataset("synthetic", names, train, test, (0.5,) * 3, (0.29,) * 3)
