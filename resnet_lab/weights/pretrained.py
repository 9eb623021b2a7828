"""A network with trained weights: what `predict`, `evaluate`, `export` and fine-tuning start from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.errors import LabError
from ..base.files import read_json
from ..blocks.opaque import homes
from ..network.graph import Graph, Shape, show
from ..specs import plugins
from ..specs.variant import load as load_variant
from . import files, gluon_zoo
from .layouts import layouts
from .match import Match, match

if TYPE_CHECKING:
    from numpy.typing import NDArray

FROM_GLUON = "gluon"
"""In the place of a file: Gluon-CV's pretrained weights of the net of that name."""

Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Pretrained:
    """A network, its weights by canonical name, and what their file says of itself."""

    variant: str
    graph: Graph
    arrays: dict[str, NDArray[np.float32]]
    how: str
    """How the file's names were read."""

    classes: tuple[str, ...] | None = None
    mean: Numbers | None = None
    std: Numbers | None = None
    """What the network's input is normalised by, a channel, on the scale 0 to 1."""

    crop: float | None = None
    """The share of the shorter side that the images of its training showed where they were not augmented."""

    doubt: str = ""
    """Why the weights, though they fit, may belong to another network."""


def load(
    variant: str,
    weights: str | Path,
    *,
    input: Shape | None = None,
    size: int | None = None,
    classes: int | None = None,
) -> Pretrained:
    """A variant with the weights of a file.

    Args:
        variant: a name, the path of a spec, or the folder of a trial, whose network (swept values and
            all) lies there as data.
        weights: a file (safetensors of ours, Gluon's .params, PyTorch's), or `gluon`: Gluon-CV's
            pretrained weights of the net of that name.
        input: (channels, height, width); where None, what the file says it was trained on, else the spec's own.
        size: height and width, in place of those.
        classes: outputs of the head; where None, as many as the file's last layer has.

    Raises:
        LabError: there is no such variant or file, or the two do not fit: what is missing, left over
            or differently shaped.
    """
    from_gluon = str(weights) == FROM_GLUON
    file = files.read(gluon_zoo.fetch(variant) if from_gluon else Path(weights))
    told = _Metadata(file)
    spec = _Trial(Path(variant)) if (Path(variant) / "trial.json").is_file() else load_variant(variant)
    shape = input or told.input
    if size is not None:
        shape = (spec.graph(shape).input[0], size, size)
    graph = spec.graph(shape, classes or _outputs(spec.graph(shape), file))
    found = fitting(graph, file)
    told_of_images = (told.classes, told.mean, told.std, told.crop)
    net = Pretrained(spec.name, graph, found.arrays, found.how, *told_of_images, doubt(graph, file, found))
    return replace(net, **gluon_zoo.trained_on(variant)) if from_gluon else net


class _Trial:
    """The network of a trial that ran, in the place of a variant."""

    def __init__(self, folder: Path) -> None:
        config = read_json(folder / "trial.json")
        self.name, self._graph = str(config["labels"]["variant"]), Graph.from_json(config["graph"])
        for file in homes(self._graph):
            plugins.load_file(Path(file), (file, 1))

    def graph(self, input: Shape | None = None, classes: int | None = None) -> Graph:
        """Raises LabError: its input and classes are what they were."""
        if (input or self._graph.input, (classes or self._graph.output[0],)) != (self._graph.input, self._graph.output):
            raise LabError(
                f"the network of a trial takes images of {show(self._graph.input)} and has {self._graph.output[0]} "
                "classes; for others name its variant"
            )
        return self._graph


def fitting(graph: Graph, file: files.WeightsFile, skip: Iterable[str] = (), *, alike: bool = True) -> Match:
    """The arrays of a file for a network.

    Args:
        skip: layers that the file may not have, or have otherwise.
        alike: whether the file may not say that it is of another architecture.

    Raises:
        LabError: they do not fit, or the file says that they are another network's.
    """
    told = file.metadata.get("architecture")
    if alike and told and told != graph.architecture:
        raise LabError(
            f"holds the weights of another network ('{file.metadata.get('variant')}', architecture {told}; this one "
            f"is {graph.architecture})",
            file=file.path,
        )
    try:
        return match(graph, file.arrays, skip)
    except LabError as error:
        raise error.at(file.path, None) from None


def doubt(graph: Graph, file: files.WeightsFile, found: Match) -> str:
    """Weights tell no strides: those of a v1b net fit the paper's, too, and give nonsense there."""
    strided = [
        node.name
        for node in graph.nodes
        if node.op == "conv" and node.attrs["kernel"] == [1, 1] and node.attrs["stride"] > 1
        if ".shortcut." not in node.name
    ]
    if strided and "architecture" not in file.metadata and found.how in _OF_ANY_STRIDE:
        return (
            f"weights read by {found.how} are mostly of nets with the stride on the 3x3 convolution (such as "
            f"resnet50_v1b); here it is on the 1x1 ({strided[0]}): they fit, but may belong to another network"
        )
    return ""


_OF_ANY_STRIDE = ("the names of torchvision", "the names of Gluon-CV v1b", "the structure")


def metadata(net: Pretrained) -> dict[str, str]:
    """What a file says of its network; `load` reads it."""
    said = {"variant": net.variant, "architecture": net.graph.architecture, "input": json.dumps(net.graph.input)}
    optional = {"classes": net.classes, "mean": net.mean, "std": net.std, "crop": net.crop}
    return said | {key: json.dumps(value) for key, value in optional.items() if value is not None}


def _outputs(graph: Graph, file: files.WeightsFile) -> int | None:
    """How many classes a file's last layer tells apart: by its name where that is known, else the last in the file."""
    own = f"{graph.nodes[-1].name}.weight"
    for name in (own, *(known.arrays[own] for known in layouts(graph))):
        if name in file.arrays:
            return len(file.arrays[name])
    dense = [array for array in file.arrays.values() if array.ndim == 2]
    return len(dense[-1]) if dense else None


class _Metadata:
    """What a safetensors file of ours says of itself."""

    def __init__(self, file: files.WeightsFile) -> None:
        try:
            said = {key: json.loads(file.metadata[key]) for key in self._KEYS if key in file.metadata}
            self.input = self._tuple(said, "input", int)
            self.classes = self._tuple(said, "classes", str)
            self.mean = self._tuple(said, "mean", float)
            self.std = self._tuple(said, "std", float)
            self.crop: float | None = float(said["crop"]) if "crop" in said else None
        except (ValueError, TypeError) as error:
            raise LabError(f"has metadata that cannot be read: {error}", file=file.path) from None

    _KEYS = ("input", "classes", "mean", "std", "crop")

    @staticmethod
    def _tuple(said: dict[str, Any], key: str, kind: Callable[[Any], Any]) -> Any:
        return tuple(kind(value) for value in said[key]) if key in said else None
