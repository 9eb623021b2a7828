"""A network with trained weights: the start of `predict`, `evaluate`, `export` and fine-tuning."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.errors import LabError
from ..network.graph import Graph, Shape
from ..specs.variant import load as load_variant
from . import files, gluon_zoo, trial_folder
from .layouts import layouts
from .match import Match, match

if TYPE_CHECKING:
    from numpy.typing import NDArray

FROM_GLUON = "gluon"
"""Given instead of a weights file: Gluon-CV's pretrained weights of the network of the same name."""

Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Pretrained:
    """A network with its weights, and what the weights file states about the network's images.

    Attributes:
        variant: The variant's name.
        graph: The network.
        arrays: The weights and running statistics by canonical name.
        how: How the names in the file were matched with the network's.
        classes: The names of the classes; None if the file has none.
        mean: The mean of each channel by which images are normalised, on the scale 0 to 1; None if not stated.
        std: The standard deviation of each channel, likewise.
        crop: The share of the shorter side that the test images showed in training; None if not stated.
        doubt: Why the weights may belong to another network although they fit; '' if there is no doubt.
    """

    variant: str
    graph: Graph
    arrays: dict[str, NDArray[np.float32]]
    how: str
    classes: tuple[str, ...] | None = None
    mean: Numbers | None = None
    std: Numbers | None = None
    crop: float | None = None
    doubt: str = ""


def load(
    variant: str,
    weights: str | Path | None = None,
    *,
    input: Shape | None = None,
    size: int | None = None,
    classes: int | None = None,
) -> Pretrained:
    """Load a variant with the weights of a file.

    Args:
        variant: A name, the path of a spec, or the folder of a trial. The network of a trial has the values of the
            grid at that trial.
        weights: A file (safetensors, Gluon's .params, PyTorch's), looked for as `files.find` says, or `gluon`:
            Gluon-CV's pretrained weights of the network of the same name. None takes the weights of the trial.
        input: (channels, height, width). If None, the shape that the file states, else the spec's own.
        size: Height and width instead of those of `input`.
        classes: Outputs of the head. If None, as many as the file's last layer has.

    Raises:
        LabError: There is no such variant or file, or the two do not fit; the message says which arrays are missing,
            left over or of another shape.
    """
    is_trial = trial_folder.is_trial(Path(variant))
    spec = trial_folder.read(Path(variant)) if is_trial else load_variant(variant)
    from_gluon = str(weights) == FROM_GLUON
    if from_gluon:
        path = gluon_zoo.fetch(variant)
    elif weights is not None:
        path = files.find(weights)
    elif isinstance(spec, trial_folder.TrialNetwork):
        path = spec.weights
        if not path.is_file():
            raise LabError(f"this trial has no {path.name}: it has not ended, or it failed", file=path.parent)
    else:
        raise LabError(
            f"'{variant}' is a variant, so its weights are needed: --weights FILE, or --weights gluon; only the folder "
            "of a trial (results/NAME/trials/ID) has weights of its own"
        )
    file = files.read(path)
    stated = _Metadata(file)
    shape = input or stated.input
    if size is not None:
        shape = (spec.graph(shape).input[0], size, size)
    graph = spec.graph(shape, classes or _outputs(spec.graph(shape), file))
    matched = fitting(graph, file)
    net = Pretrained(
        spec.name,
        graph,
        matched.arrays,
        matched.how,
        stated.classes,
        stated.mean,
        stated.std,
        stated.crop,
        doubt(graph, file, matched),
    )
    return replace(net, **gluon_zoo.trained_on(variant)) if from_gluon else net


def fitting(
    graph: Graph, file: files.WeightsFile, skip: Iterable[str] = (), *, same_architecture: bool = True
) -> Match:
    """Match the arrays of a file with a network.

    Args:
        graph: The network.
        file: The weights file.
        skip: Layers that may be missing in the file or have another shape there.
        same_architecture: Refuse a file whose metadata states another architecture.

    Raises:
        LabError: The arrays do not fit the network, or the file states another architecture.
    """
    stated = file.metadata.get("architecture")
    if same_architecture and stated and stated != graph.architecture:
        raise LabError(
            f"holds the weights of another network ('{file.metadata.get('variant')}', architecture {stated}; this one "
            f"is {graph.architecture})",
            file=file.path,
        )
    try:
        return match(graph, file.arrays, skip)
    except LabError as error:
        raise error.at(file.path, None) from None


def doubt(graph: Graph, file: files.WeightsFile, matched: Match) -> str:
    """Say why weights that fit may belong to another network; '' if there is no doubt.

    A weights file does not record strides, so a network with other strides loads it and predicts nonsense: the weights
    of resnet50_v1b fit resnet50, too.
    """
    strided = [
        node.name
        for node in graph.nodes
        if node.op == "conv" and node.attrs["kernel"] == [1, 1] and node.attrs["stride"] > 1
        if ".shortcut." not in node.name
    ]
    if strided and "architecture" not in file.metadata and matched.how in _OF_ANY_STRIDE:
        return (
            f"weights read by {matched.how} mostly belong to networks with the stride on the 3x3 convolution (such as "
            f"resnet50_v1b), but this network has it on the 1x1 convolution ({strided[0]}); the shapes fit, but the "
            "weights may belong to another network"
        )
    return ""


_OF_ANY_STRIDE = ("the names of torchvision", "the names of Gluon-CV v1b", "the structure")


def metadata(net: Pretrained) -> dict[str, str]:
    """The metadata of a safetensors file for a network; `load` reads it back."""
    always = {"variant": net.variant, "architecture": net.graph.architecture, "input": json.dumps(net.graph.input)}
    optional = {"classes": net.classes, "mean": net.mean, "std": net.std, "crop": net.crop}
    return always | {key: json.dumps(value) for key, value in optional.items() if value is not None}


def _outputs(graph: Graph, file: files.WeightsFile) -> int | None:
    """The number of classes of a file: the outputs of its last layer, found by a known name, else by its place."""
    own = f"{graph.nodes[-1].name}.weight"
    for name in (own, *(known.arrays[own] for known in layouts(graph))):
        if name in file.arrays:
            return len(file.arrays[name])
    dense = [array for array in file.arrays.values() if array.ndim == 2]
    return len(dense[-1]) if dense else None


class _Metadata:
    """The metadata that `metadata` wrote into a safetensors file, as values."""

    def __init__(self, file: files.WeightsFile) -> None:
        try:
            values = {key: json.loads(file.metadata[key]) for key in self._KEYS if key in file.metadata}
            self.input = self._tuple(values, "input", int)
            self.classes = self._tuple(values, "classes", str)
            self.mean = self._tuple(values, "mean", float)
            self.std = self._tuple(values, "std", float)
            self.crop: float | None = float(values["crop"]) if "crop" in values else None
        except (ValueError, TypeError) as error:
            raise LabError(f"has metadata that cannot be read: {error}", file=file.path) from None

    _KEYS = ("input", "classes", "mean", "std", "crop")

    @staticmethod
    def _tuple(values: dict[str, Any], key: str, kind: Callable[[Any], Any]) -> Any:
        return tuple(kind(value) for value in values[key]) if key in values else None
