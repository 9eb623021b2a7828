"""What a trained network says: of photos (`predict`) and of a dataset (`evaluate`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import data, engines
from ..base.errors import LabError, unknown
from ..data.dataset import IMAGENET_MEAN, IMAGENET_STD
from ..data.formats import picture
from ..data.pipeline.feed import evaluation_batches
from ..data.pipeline.pixels import Normalise
from ..engines.contract import Model
from ..network.graph import Graph, show
from ..weights.pretrained import Numbers, Pretrained
from .evaluate import outcomes

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_BATCH = 16
"""Photos that go through the network together."""


@dataclass(frozen=True)
class Guess:
    """One class that a network names, with its probability."""

    index: int
    name: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """What a network names on one picture, the likeliest first; `problem` says why there is nothing."""

    image: Path
    guesses: tuple[Guess, ...] = ()
    problem: str = ""


def as_json(prediction: Prediction) -> dict[str, Any]:
    """One object: image, and either top (index, name, probability each) or problem."""
    if prediction.problem:
        return {"image": str(prediction.image), "problem": prediction.problem}
    return {"image": str(prediction.image), "top": [asdict(guess) for guess in prediction.guesses]}


@dataclass(frozen=True)
class Evaluation:
    """Mean cross-entropy, shares of images right, and a row for each class: class, count, top1, top5, loss."""

    loss: float
    top1: float
    top5: float
    count: int
    classes: pd.DataFrame


@dataclass(frozen=True)
class View:
    """How a photo becomes an input: the shorter side to `resize`, the centre `crop`, `mean` and `std` a channel."""

    resize: int
    crop: int
    mean: Numbers
    std: Numbers
    antialias: bool = False


def view(
    net: Pretrained,
    *,
    resize: int | None = None,
    crop: int | None = None,
    normalise: tuple[Numbers, Numbers] | None = None,
    antialias: bool = False,
) -> View:
    """How a network wants its photos: as its file of weights says, else as nets trained on ImageNet do.

    A file of ours says which share of a picture its training showed where it was not augmented; else
    the crop is 224 of 256 pixels.

    Raises:
        LabError: the crop is larger than the resized picture, mean and std are for other channels, or
            the network takes no photos: its images are not square, or neither grey nor in colour.
    """
    side = _side(net.graph)
    channels = net.graph.input[0]
    if channels not in (1, 3):
        raise LabError(f"the network takes images of {channels} channels, and a photo has 1 or 3")
    mean, std = normalise or (net.mean, net.std)
    if mean is None or std is None:
        mean, std = IMAGENET_MEAN[:channels], IMAGENET_STD[:channels]
    crop = crop or side
    whole = round(crop / (net.crop or 224 / 256))
    for name, values in (("mean", mean), ("std", std)):
        if len(values) != channels:
            raise LabError(f"the {name} has {len(values)} values for images of {channels} channel(s)")
    picture.check_crop(resize or whole, crop)
    return View(resize or whole, crop, tuple(mean), tuple(std), antialias)


def _side(graph: Graph) -> int:
    """Height and width of a network's images, which have to be one."""
    _, height, width = graph.input
    if height != width:
        raise LabError(f"the network takes images of {show(graph.input)}, and only square ones can be made here")
    return height


def model(net: Pretrained, engine: str = "mxnet", device: str = "auto") -> Model:
    """The network on an engine, with its weights.

    Raises:
        LabError: the engine cannot run here, or has no such device.
    """
    chosen = engines.get(engine)
    built = chosen.build(net.graph, chosen.device(device)[0], compile=chosen.default_compile_mode)
    built.load(net.arrays)
    return built


@cache
def imagenet_names() -> tuple[str, ...]:
    """The names of ImageNet's 1,000 classes, as Gluon-CV writes them (see NOTICE)."""
    return tuple(
        (Path(data.__file__).parent / "labels" / "imagenet.txt").read_text(encoding="utf-8").split("\n")[:1000]
    )


def class_names(net: Pretrained, labels: Path | None = None) -> tuple[str, ...]:
    """What the network's outputs are called: by a file of one name a line, by the weights' own, or ImageNet's.

    Raises:
        LabError: the file has not as many names as the network has outputs.
    """
    (outputs,) = net.graph.output
    if labels is not None:
        try:
            names = tuple(labels.read_text(encoding="utf-8").rstrip("\n").split("\n"))
        except (OSError, UnicodeDecodeError) as error:
            raise LabError(f"cannot be read: {error}", file=labels) from None
        if len(names) != outputs:
            raise LabError(f"has {len(names)} names for a network of {outputs} classes", file=labels)
        return names
    if net.classes is not None and len(net.classes) == outputs:
        return net.classes
    return imagenet_names() if outputs == 1000 else tuple(f"class {index}" for index in range(outputs))


def predict(
    built: Model, paths: Sequence[Path], seen: View, names: Sequence[str], top: int = 5
) -> Iterator[Prediction]:
    """Name what is on photos, in their order; a damaged one says so, and the others are still done."""
    normalise = Normalise(seen.mean, seen.std)
    for start in range(0, len(paths), _BATCH):
        batch = paths[start : start + _BATCH]
        problems: dict[Path, str] = {}
        pixels = []
        for path in batch:
            try:
                photo = picture.read(path, len(seen.mean))
                pixels.append(picture.prepare(photo, seen.resize, seen.crop, antialias=seen.antialias))
            except LabError as error:
                problems[path] = error.message
        logits = list(built.predict(normalise(np.stack(pixels)))) if pixels else []
        for path in batch:
            if path in problems:
                yield Prediction(path, problem=problems[path])
            else:
                yield Prediction(path, _guesses(logits.pop(0), names, top))


def _guesses(logits: NDArray[np.float32], names: Sequence[str], top: int) -> tuple[Guess, ...]:
    shifted = np.exp(logits.astype(np.float64) - logits.max())
    shares = shifted / shifted.sum()
    likeliest = np.argsort(-shares, kind="stable")[:top]
    return tuple(Guess(int(index), names[index], float(shares[index])) for index in likeliest)


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
    """Score a network on a dataset, its images resized to the network's input.

    Args:
        split: `test` or `train`.
        normalise: mean and std; where None, those that the weights' file states, else the dataset's own.
        by_dataset: the dataset's own in any case.
        options: the dataset's own, such as the path of an imagefolder.

    Raises:
        LabError: no such dataset or split, or one with other classes or channels.
    """
    import pandas as pd

    if split not in ("test", "train"):
        raise LabError(unknown("split", split, ("test", "train")))
    channels = net.graph.input[0]
    loaded = data.load(dataset, size=_side(net.graph), channels=channels, options=options)
    _check_classes(net, loaded.classes, dataset)
    mean, std = normalise or (loaded.mean, loaded.std)
    if normalise is None and not by_dataset and net.mean is not None and net.std is not None:
        mean, std = net.mean, net.std
    if not len(mean) == len(std) == channels:
        raise LabError(f"mean and std have {len(mean)} and {len(std)} values for images of {channels} channel(s)")
    images = loaded.test if split == "test" else loaded.train
    rows = pd.concat(
        pd.DataFrame({"label": found.labels, "loss": found.losses, "top1": found.ranks < 1, "top5": found.ranks < 5})
        for found in outcomes(built, evaluation_batches(images, batch_size, mean, std))
    )
    return Evaluation(
        float(rows["loss"].mean()),
        float(rows["top1"].mean()),
        float(rows["top5"].mean()),
        len(rows),
        _by_class(rows, loaded.classes),
    )


def _check_classes(net: Pretrained, classes: Sequence[str], dataset: str) -> None:
    """See that a network's outputs are a dataset's classes: as many and, where the weights name them, the same."""
    (outputs,) = net.graph.output
    if len(classes) != outputs:
        raise LabError(f"dataset '{dataset}' has {len(classes)} classes, the network {outputs}")
    if net.classes is not None and len(net.classes) == outputs:
        for index, (ours, theirs) in enumerate(zip(net.classes, classes, strict=True)):
            if ours != theirs:
                raise LabError(f"class {index} is '{ours}' for the weights and '{theirs}' in dataset '{dataset}'")


def _by_class(rows: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """One row a class from one row an image."""
    table = rows.groupby("label").agg(
        count=("label", "size"),
        right=("top1", "sum"),
        top1=("top1", "mean"),
        top5=("top5", "mean"),
        loss=("loss", "mean"),
    )
    table.insert(0, "class", [classes[index] for index in table.index])
    return table.reset_index(drop=True)
