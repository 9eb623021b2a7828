"""Which test images a trial got right, and its loss on each: a small file in the trial's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

TEST = "test.npz"
"""The file in the folder of a trial; `save_images` in training/evaluate.py writes it."""


@dataclass(frozen=True)
class ImageOutcomes:
    """The outcome of a trial on each test image, in the order of the test set.

    Attributes:
        right: whether the trial's first answer was right, (images,).
        losses: the cross-entropy, (images,), float32.
    """

    right: NDArray[np.bool_]
    losses: NDArray[Any]


def read(folder: Path) -> ImageOutcomes | None:
    """Read the file of a trial's folder; None where there is none (older trials kept none), or where it is damaged."""
    try:
        with np.load(folder / TEST, allow_pickle=False) as arrays:
            losses = arrays["losses"]
            return ImageOutcomes(np.unpackbits(arrays["right"], count=len(losses)).astype(bool), losses)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
