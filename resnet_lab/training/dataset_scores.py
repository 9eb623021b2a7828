"""The loss and the accuracy of a trained network on a dataset, for all images and for each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import data
from ..base.errors import LabError, unknown
from ..data.pipeline.evaluation import EvaluationBatches
from ..engines.contract import Model
from ..weights.pretrained import Numbers, Pretrained
from .evaluate import outcomes
from .trained import square_side

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Evaluation:
    """Scores of a network on a dataset.

    Attributes:
        loss: The mean cross-entropy.
        top1: The share of images whose class is the likeliest one.
        top5: The share of images whose class is among the five likeliest.
        count: The number of images.
        classes: A DataFrame with one row for each class: class, count, right, top1, top5, loss.
    """

    loss: float
    top1: float
    top5: float
    count: int
    classes: pd.DataFrame


def evaluate(
    built: Model,
    net: Pretrained,
    dataset: str,
    *,
    split: str = "test",
    batch_size: int = 128,
    normalise: tuple[Numbers, Numbers] | None = None,
    by_dataset: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Score a network on a dataset; the images are resized to the network's input.

    Args:
        built: The network on an engine.
        net: The network and what its weights file states.
        dataset: The dataset's name.
        split: `test` or `train`.
        batch_size: How many images go through the network together.
        normalise: The mean and the standard deviation of each channel. If None, those that the weights file states,
            else the dataset's own.
        by_dataset: Normalise by the dataset's own mean and standard deviation, whatever the weights file states.
        options: The dataset's options, such as the path of an imagefolder.

    Raises:
        LabError: The dataset or the split does not exist, or the dataset has other classes or channels.
    """
    import pandas as pd

    if split not in ("test", "train"):
        raise LabError(unknown("split", split, ("test", "train")))
    channels = net.graph.input[0]
    loaded = data.load(dataset, size=square_side(net.graph), channels=channels, options=options)
    _check_classes(net, loaded.classes, dataset)
    mean, std = normalise or (loaded.mean, loaded.std)
    if normalise is None and not by_dataset and net.mean is not None and net.std is not None:
        mean, std = net.mean, net.std
    if not len(mean) == len(std) == channels:
        raise LabError(f"mean and std have {len(mean)} and {len(std)} values for images of {channels} channel(s)")
    images = loaded.test if split == "test" else loaded.train
    rows = pd.concat(
        pd.DataFrame({"label": each.labels, "loss": each.losses, "top1": each.ranks < 1, "top5": each.ranks < 5})
        for each in outcomes(built, EvaluationBatches(images, batch_size, mean, std))
    )
    return Evaluation(
        float(rows["loss"].mean()),
        float(rows["top1"].mean()),
        float(rows["top5"].mean()),
        len(rows),
        _by_class(rows, loaded.classes),
    )


def _check_classes(net: Pretrained, classes: Sequence[str], dataset: str) -> None:
    """Check that a network's outputs are a dataset's classes: the number and, if the weights have them, the names."""
    (outputs,) = net.graph.output
    if len(classes) != outputs:
        raise LabError(f"dataset '{dataset}' has {len(classes)} classes, but the network has {outputs}")
    if net.classes is not None and len(net.classes) == outputs:
        for index, (ours, theirs) in enumerate(zip(net.classes, classes, strict=True)):
            if ours != theirs:
                raise LabError(f"class {index} is '{ours}' in the weights file and '{theirs}' in dataset '{dataset}'")


def _by_class(rows: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Make one row for each class from one row for each image."""
    table = rows.groupby("label").agg(
        count=("label", "size"),
        right=("top1", "sum"),
        top1=("top1", "mean"),
        top5=("top5", "mean"),
        loss=("loss", "mean"),
    )
    table.insert(0, "class", [classes[index] for index in table.index])
    return table.reset_index(drop=True)
