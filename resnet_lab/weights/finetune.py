"""Training that starts from weights: which file, what of it is taken, and what stays as it is."""

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
    """The file that `init.weights` means: `gluon`, or a path from a folder or from the working directory.

    Raises:
        LabError: it is not there, or Gluon-CV's cannot be had.
    """
    if name == FROM_GLUON:
        return gluon_zoo.fetch(variant)
    for path in (beside / name, Path(name)):
        if path.is_file():
            return path.resolve()
    raise LabError(f"there is no file of weights '{name}' in {beside} or {Path.cwd()}")


def digest(path: Path) -> str:
    """16 hex digits of a file's content."""
    status = path.stat()
    return _digest(path, status.st_size, status.st_mtime_ns)


@cache
def _digest(path: Path, size: int, changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def parts(graph: Graph) -> list[str]:
    """What can be named: stem, stage1, stage1.block1, ..., head."""
    found: dict[str, None] = {}
    for node in graph.layers:
        names = node.name.split(".")
        found |= {".".join(names[:depth]): None for depth in (1, 2) if depth < len(names)}
    return [name for name in found if "." not in name or ".block" in name]


def check(graph: Graph, names: Iterable[str]) -> None:
    """See that parts of a network are there.

    Raises:
        LabError: one is not; the nearest that is.
    """
    known = parts(graph)
    for name in names:
        if name not in known:
            raise LabError(unknown("part of the network", name, known))


def _inside(node: Node, names: Sequence[str]) -> bool:
    return any(node.name.startswith(f"{name}.") for name in names)


def frozen(graph: Graph, names: Sequence[str]) -> Graph:
    """The network with parts that training leaves alone: no parameter changes, norms go by their running statistics.

    Raises:
        LabError: a part is a framework's own module.
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
    """Every array of a network as training starts: drawn by the recipe, or taken from `init.weights` (a path).

    Drawn are, even so, the parts in `init.fresh`, and a last layer that has another number of classes
    or is not in the file.

    Args:
        content: the digest that the file had when the trial got its id.

    Raises:
        LabError: the file is missing, does not fit, or has changed.
    """
    drawn = initial(graph, seed, **init.model_dump(exclude={"weights", "fresh"}))
    if init.weights is None:
        return drawn
    path = Path(init.weights)
    if content and digest(path) != content:
        raise LabError("has changed since the trial was planned", file=path)
    return drawn | taken(graph, init)


def taken(graph: Graph, init: InitSpec) -> dict[str, NDArray[np.float32]]:
    """The arrays that a network starts with from `init.weights`.

    Raises:
        LabError: the file is missing or does not fit.
    """
    fresh = {node.name for node in graph.nodes if node.params and _inside(node, init.fresh)}
    file = files.read(Path(init.weights or ""))
    found = fitting(graph, file, {*fresh, graph.nodes[-1].name}, alike=not init.fresh)
    return {name: array for name, array in found.arrays.items() if name.rpartition(".")[0] not in fresh}
