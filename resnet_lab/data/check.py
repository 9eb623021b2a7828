"""Checks of a dataset: the hashes of its files, the balance of its classes, pictures that cannot be decoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .dataset import Dataset, Source
from .formats.decode import Undecodable
from .formats.download import check, chosen, locate
from .pipeline.pictures import InMemory, Pictures


def hashes(source: Source) -> Iterator[str]:
    """Check the files of a dataset against the hashes that its publisher states.

    Yields:
        A line for each file whose hash is right.

    Raises:
        LabError: a file is missing or damaged.
    """
    for file in (chosen(source.folder, listed) for listed in source.files):
        path = locate(source.folder, file)
        check(path, file)
        kind, wanted = file.hash
        yield f"{path}: {kind.upper()} {wanted} is right"


def parts(dataset: Dataset) -> Iterator[tuple[str, Pictures]]:
    """The parts of a dataset by name: `train`, `validation` where there is one, and `test`."""
    yield "train", dataset.train
    if dataset.validation is not None:
        yield "validation", dataset.validation
    yield "test", dataset.test


def splits(dataset: Dataset) -> Iterator[tuple[str, int, int, int, str]]:
    """Count the pictures of each part.

    Yields:
        The name of the part, its number of pictures, the numbers of its smallest and of its largest class, and the
        ratio of these two as text.
    """
    for name, split in parts(dataset):
        counts = np.bincount(split.labels, minlength=len(dataset.classes))
        least, most = int(counts.min()), int(counts.max())
        yield name, len(split), least, most, f"{most / least:.2f}" if least else "a class has none"


def damaged(dataset: Dataset) -> list[str]:
    """Decode every picture at a small size; returns a message for each damaged picture, with its name."""
    messages = []
    out = np.empty((8, 8, 3), np.uint8)
    for _, split in parts(dataset):
        if isinstance(split, InMemory):
            continue  # pictures in memory are decoded already
        # Pillow reads a JPEG to its end even when it decodes only an eighth of the size.
        small = replace(split, size=8, decoder="pillow")
        for place in range(len(small)):
            try:
                small.fill(place, out)
            except Undecodable as error:
                messages.append(error.message)
    return messages
