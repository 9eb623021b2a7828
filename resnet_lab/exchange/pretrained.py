"""A network with trained weights: what `predict`, `evaluate`, `export` and fine-tuning start from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import LabError
from ..graph import Graph, Shape
from ..variant import load as load_variant
from . import files, gluon_zoo
from .layouts import layouts
from .match import match

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

    doubt: str = ""
    """Why the weights, though they fit, may belong to another network."""


def load(variant: str, weights: str | Path, *, input: Shape | None = None, classes: int | None = None) -> Pretrained:
    """A variant with the weights of a file.

    Args:
        weights: a file (safetensors of ours, Gluon's .params, PyTorch's), or `gluon`: Gluon-CV's
            pretrained weights of the net of that name.
        input: (channels, height, width); where None, what the file says it was trained on, else the spec's own.
        classes: outputs of the head; where None, as many as the file's last layer has.

    Raises:
        LabError: there is no such variant or file, or the two do not fit: what is missing, left over
            or differently shaped.
    """
    path = gluon_zoo.fetch(variant) if str(weights) == FROM_GLUON else Path(weights)
    file = files.read(path)
    told = _Metadata(file.metadata, path)
    spec = load_variant(variant)
    outputs = classes or _outputs(spec.graph(input or told.input), file)
    graph = spec.graph(input or told.input, outputs)
    try:
        found = match(graph, file.arrays)
    except LabError as error:
        raise error.at(path, None) from None
    trained = spec.graph(told.input, outputs).digest
    if told.digest and told.digest != trained:
        raise LabError(
            f"holds the weights of another network of the same shapes ('{told.variant}', digest {told.digest}, "
            f"where '{spec.name}' has {trained})",
            file=path,
        )
    doubt = "" if told.digest else _doubt(graph, found.how)
    return Pretrained(spec.name, graph, found.arrays, found.how, told.classes, told.mean, told.std, doubt)


def _doubt(graph: Graph, how: str) -> str:
    """Weights tell no strides: those of a v1b net fit the paper's, too, and give nonsense there."""
    strided = [
        node.name
        for node in graph.nodes
        if node.op == "conv" and node.attrs["kernel"] == [1, 1] and node.attrs["stride"] > 1
        if ".shortcut." not in node.name
    ]
    if strided and how in ("the names of torchvision", "the names of Gluon-CV v1b"):
        return (
            f"{how} are those of nets with the stride on the 3x3 convolution (such as resnet50_v1b); here it is on "
            f"the 1x1 ({strided[0]}): the weights fit, but may belong to another network"
        )
    return ""


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

    def __init__(self, metadata: dict[str, str], path: Path) -> None:
        self.variant, self.digest = metadata.get("variant", ""), metadata.get("digest", "")
        try:
            values: dict[str, Any] = {
                key: tuple(json.loads(metadata[key])) if key in metadata else None
                for key in ("input", "classes", "mean", "std")
            }
        except (ValueError, TypeError) as error:
            raise LabError(f"has metadata that cannot be read: {error}", file=path) from None
        self.input: Shape | None = values["input"]
        self.classes: tuple[str, ...] | None = values["classes"]
        self.mean: Numbers | None = values["mean"]
        self.std: Numbers | None = values["std"]
