"""scikit-learn's 1,797 scans of handwritten digits, 8x8 and grey: real data that needs no download."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from ...base.errors import LabError
from ..dataset import Dataset, dataset, statistics
from ..pipeline.pictures import InMemory

_TRAIN = 1437


@dataset("digits", shape=(1, 8, 8), classes=10, count=1437)
def digits() -> Dataset:
    """1,797 scanned digits, 8x8, grey; 1,437 to train on, 360 to test on."""
    table = np.loadtxt(_file(), delimiter=",", dtype=np.int64)
    images = np.rint(table[:, :-1].reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    labels = table[:, -1].astype(np.int32)
    order = np.random.RandomState(0).permutation(len(labels))  # NumPy promises that RandomState's numbers never change
    train, test = (InMemory(images[part], labels[part]) for part in (order[:_TRAIN], order[_TRAIN:]))
    return Dataset("digits", tuple("0123456789"), train, test, *statistics(train.images))


def _file() -> Path:
    """Find the table in scikit-learn's folder without importing scikit-learn, which would take seconds a trial."""
    package = importlib.util.find_spec("sklearn")
    for place in (package.submodule_search_locations or []) if package else []:
        path = Path(place) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            return path
    raise LabError("the dataset 'digits' is part of scikit-learn, which is not installed: pip install scikit-learn")
