"""A grid of pictures before and after augmentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.errors import LabError
from ..specs.augment import AugmentSpec
from .dataset import Dataset
from .pipeline.feed import Feed

_COLUMNS = 8


def grid(dataset: Dataset, augment: AugmentSpec, count: int, seed: int, file: Path) -> None:
    """Draw the first batch of an epoch: each picture without augmentation, and below it as training sees it.

    Args:
        augment: the augmentations of the pictures.
        count: the number of pictures.
        seed: the seed of the order and the augmentation.
        file: an image file of any kind that matplotlib writes.

    Raises:
        LabError: matplotlib is not installed, or cannot write the file.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise LabError("drawing needs matplotlib: pip install 'resnet-lab[plot]'") from None
    count = min(count, len(dataset.train))
    before = Feed(dataset.train, count, seed, dataset.mean, dataset.std)
    after = Feed(dataset.train, count, seed, dataset.mean, dataset.std, augment, len(dataset.classes))
    plain, labels, _ = before.make(0, 0)
    changed, shares, _ = after.make(0, 0)
    columns = min(count, _COLUMNS)
    rows = 2 * -(-count // columns)
    figure = Figure(figsize=(1.5 * columns, 1.8 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for index in range(count):
        row, column = 2 * (index // columns), index % columns
        for axis, images, label in ((axes[row, column], plain, labels), (axes[row + 1, column], changed, shares)):
            axis.imshow(_pixels(images[index], dataset), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axis.set_title(_title(label[index], dataset), fontsize=7)
    try:
        figure.savefig(file, dpi=110)
    except (OSError, ValueError) as error:
        raise LabError(f"cannot be drawn: {error}", file=file) from None


def _pixels(image: NDArray[np.float32], dataset: Dataset) -> NDArray[Any]:
    """Undo the normalisation: values from 0 to 1, (H, W, 3), or (H, W) for a grey picture."""
    mean, std = (np.array(values, np.float32)[:, None, None] for values in (dataset.mean, dataset.std))
    values = np.clip(image * std + mean, 0, 1)
    shown: NDArray[Any] = values[0] if len(values) == 1 else values.transpose(1, 2, 0)
    return shown


def _title(label: Any, dataset: Dataset) -> str:
    """Return the name of the class; for a mixed picture, the two classes with the largest shares, and the shares."""
    if np.ndim(label) == 0:
        return dataset.classes[int(label)]
    shown = [index for index in np.argsort(-label)[:2] if label[index] > 0]
    return " + ".join(f"{label[index]:.2f} {dataset.classes[index]}" for index in shown)
