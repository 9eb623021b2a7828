"""Training that starts from weights: where they come from, which parts are drawn anew, and which are frozen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import LabError, unknown
from ..blocks.opaque import OP
from ..network.graph import Graph, Node
from ..network.initial import initial
from ..specs.train import InitSpec
from . import files, gluon_zoo
from .pretrained import FROM_GLUON, fitting

if TYPE_CHECKING:
    from numpy.typing import NDArray


def locate(name: str, variant: str, beside: Path) -> Path:
    """Find the file that `init.weights` names.

    Args:
        name: `gluon`, or the path of a weights file; see `files.find` for the folders.
        variant: The variant's name; `gluon` means the weights of Gluon-CV's network of this name.
        beside: The folder of the experiment's file, which is searched first.

    Raises:
        LabError: The file is missing, or Gluon-CV's weights cannot be downloaded.
    """
    if name == FROM_GLUON:
        return gluon_zoo.fetch(variant)
    return files.find(name, first=beside).resolve()


def digest(path: Path) -> str:
    """The first 16 hex digits of the SHA-256 of a file's content."""
    status = path.stat()
    return _digest(path, status.st_size, status.st_mtime_ns)


@cache
def _digest(path: Path, size: int, changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def parts(graph: Graph) -> list[str]:
    """The parts of a network that `freeze` and `fresh` can name: stem, stage1, stage1.block1, ..., head."""
    names_of_parts: dict[str, None] = {}
    for node in graph.layers:
        names = node.name.split(".")
        names_of_parts |= {".".join(names[:depth]): None for depth in (1, 2) if depth < len(names)}
    return [name for name in names_of_parts if "." not in name or ".block" in name]


def check(graph: Graph, names: Iterable[str]) -> None:
    """Check that a network has the parts of these names.

    Raises:
        LabError: It has no such part; the message names the nearest one.
    """
    known = parts(graph)
    for name in names:
        if name not in known:
            raise LabError(unknown("part of the network", name, known))


def _inside(node: Node, names: Sequence[str]) -> bool:
    return any(node.name.startswith(f"{name}.") for name in names)


def frozen(graph: Graph, names: Sequence[str]) -> Graph:
    """Freeze parts of a network: training changes none of their parameters, and their norms use running statistics.

    Raises:
        LabError: A part contains a framework's own module.
    """
    for node in graph.nodes:
        if node.op == OP and _inside(node, names):
            raise LabError(f"{node.name} is a framework's own module, whose norms cannot be frozen from outside")
    return Graph(tuple(_frozen(node) if _inside(node, names) else node for node in graph.nodes))


def _frozen(node: Node) -> Node:
    params = {key: replace(parameter, trained=False) for key, parameter in node.params.items()}
    by_batch = node.op == "norm" and node.attrs["kind"] == "batch"
    return replace(node, params=params, attrs={**node.attrs, "frozen": True} if by_batch else node.attrs)


def starting_weights(graph: Graph, seed: int, init: InitSpec, content: str = "") -> dict[str, NDArray[np.float32]]:
    """The arrays of a network at the start of training: drawn by the recipe, or read from the file `init.weights`.

    With a file, arrays are still drawn for the parts in `init.fresh`, and for a last layer that has another number of
    classes in the file or is missing there.

    Args:
        graph: The network.
        seed: The seed of the drawn arrays.
        init: The recipe.
        content: The digest of the file when the trial got its id; '' to accept any content.

    Raises:
        LabError: The file is missing, does not fit the network, or has changed since the trial got its id.
    """
    drawn = initial(graph, seed, **init.model_dump(exclude={"weights", "fresh"}))
    if init.weights is None:
        return drawn
    path = Path(init.weights)
    if content and digest(path) != content:
        raise LabError("has changed since the trial was planned", file=path)
    return drawn | taken(graph, init)


def taken(graph: Graph, init: InitSpec) -> dict[str, NDArray[np.float32]]:
    """The arrays that training takes from the file `init.weights`.

    Raises:
        LabError: The file is missing or does not fit the network.
    """
    fresh = {node.name for node in graph.nodes if node.params and _inside(node, init.fresh)}
    file = files.read(Path(init.weights or ""))
    matched = fitting(graph, file, {*fresh, graph.nodes[-1].name}, same_architecture=not init.fresh)
    return {name: array for name, array in matched.arrays.items() if name.rpartition(".")[0] not in fresh}
