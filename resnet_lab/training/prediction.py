"""The classes that a trained network predicts for photos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import data
from ..base.errors import LabError
from ..data.dataset import IMAGENET_MEAN, IMAGENET_STD
from ..data.formats import picture
from ..data.pipeline.pixels import Normalise
from ..engines.contract import Model
from ..weights.pretrained import Numbers, Pretrained
from .trained import square_side

if TYPE_CHECKING:
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
    side = square_side(net.graph)
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
