"""Using a trained network: the classes of photos (`predict`) and scores on a dataset (`evaluate`)."""

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
"""How many photos go through the network together."""


@dataclass(frozen=True)
class Guess:
    """A class that the network predicts for a picture, with its probability."""

    index: int
    name: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """The classes of one picture, the likeliest first; or the `problem`: why the picture could not be read."""

    image: Path
    guesses: tuple[Guess, ...] = ()
    problem: str = ""


def as_json(prediction: Prediction) -> dict[str, Any]:
    """A prediction as JSON values: image, and either top (a list of index, name and probability) or problem."""
    if prediction.problem:
        return {"image": str(prediction.image), "problem": prediction.problem}
    return {"image": str(prediction.image), "top": [asdict(guess) for guess in prediction.guesses]}


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


@dataclass(frozen=True)
class View:
    """How a photo becomes the input of a network.

    Attributes:
        resize: The shorter side of the photo after resizing, in pixels.
        crop: The side of the square that is then cut from the centre, in pixels.
        mean: The mean of each channel that is subtracted, on the scale 0 to 1.
        std: The standard deviation of each channel by which the result is divided.
        antialias: Resize as Pillow and torchvision do, not as OpenCV and Gluon-CV.
    """

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
    """Decide how photos become the input of a network.

    What the arguments leave open follows the weights file. A file of ours states the normalisation, and which share of
    a picture the test images showed in training. A file that states nothing is treated as networks for ImageNet are: a
    crop of 224 from 256 pixels, and ImageNet's normalisation.

    Args:
        net: The network.
        resize: The shorter side after resizing, in pixels.
        crop: The side of the central square, in pixels.
        normalise: The mean and the standard deviation of each channel.
        antialias: Resize as Pillow and torchvision do, not as OpenCV and Gluon-CV.

    Raises:
        LabError: The crop is larger than the resized picture, mean and std have another number of channels, or the
            network takes no photos: its images are not square, or have neither 1 nor 3 channels.
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
    """The side of a network's images, which have to be square."""
    _, height, width = graph.input
    if height != width:
        raise LabError(f"the network takes images of {show(graph.input)}, but pictures are made square here")
    return height


def model(net: Pretrained, engine: str = "mxnet", device: str = "auto") -> Model:
    """Build the network on an engine and load its weights.

    Raises:
        LabError: The engine cannot run here, or this machine has no such device.
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


def has_class_names(net: Pretrained) -> bool:
    """Whether the names of the classes are known without a file of labels."""
    (outputs,) = net.graph.output
    return outputs == 1000 or (net.classes is not None and len(net.classes) == outputs)


def class_names(net: Pretrained, labels: Path | None = None) -> tuple[str, ...]:
    """The name of each output of a network.

    The names come from a text file with one name in each line; without a file from the weights; without names there
    they are ImageNet's for 1,000 outputs, and 'class 0', 'class 1' and so on otherwise.

    Raises:
        LabError: The file cannot be read, or the number of its names is not the number of outputs.
    """
    (outputs,) = net.graph.output
    if labels is not None:
        try:
            names = tuple(labels.read_text(encoding="utf-8").rstrip("\n").split("\n"))
        except (OSError, UnicodeDecodeError) as error:
            raise LabError(f"cannot be read: {error}", file=labels) from None
        if len(names) != outputs:
            raise LabError(f"has {len(names)} names, but the network has {outputs} classes", file=labels)
        return names
    if net.classes is not None and len(net.classes) == outputs:
        return net.classes
    return imagenet_names() if outputs == 1000 else tuple(f"class {index}" for index in range(outputs))


def predict(
    built: Model, paths: Sequence[Path], seen: View, names: Sequence[str], top: int = 5
) -> Iterator[Prediction]:
    """Predict the classes of photos, in their order; a damaged photo gives a prediction with a `problem`."""
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
    loaded = data.load(dataset, size=_side(net.graph), channels=channels, options=options)
    _check_classes(net, loaded.classes, dataset)
    mean, std = normalise or (loaded.mean, loaded.std)
    if normalise is None and not by_dataset and net.mean is not None and net.std is not None:
        mean, std = net.mean, net.std
    if not len(mean) == len(std) == channels:
        raise LabError(f"mean and std have {len(mean)} and {len(std)} values for images of {channels} channel(s)")
    images = loaded.test if split == "test" else loaded.train
    rows = pd.concat(
        pd.DataFrame({"label": each.labels, "loss": each.losses, "top1": each.ranks < 1, "top5": each.ranks < 5})
        for each in outcomes(built, evaluation_batches(images, batch_size, mean, std))
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
