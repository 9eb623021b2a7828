"""Matching the arrays of a weights file with a network's: by known names, else by the structure alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import LabError
from ..network.graph import Graph, Node, show
from .layouts import layouts
from .structure import by_structure, difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[np.float32]]

_SHOWN = 5
"""How many faults a message lists."""


@dataclass(frozen=True)
class Match:
    """Arrays of a file that were matched with a network's.

    Attributes:
        arrays: The arrays by canonical name.
        how: The names by which they were matched, for messages.
    """

    arrays: dict[str, NDArray[np.float32]]
    how: str


def match(graph: Graph, arrays: Arrays, skip: Iterable[str] = ()) -> Match:
    """Find the array of a file for each array of a network.

    Args:
        graph: The network.
        arrays: The file's arrays, in the order of the file, by the names that the file gives them.
        skip: Nodes that may have other shapes in the file or be missing there, such as a head of another size. Their
            arrays are left out where they do not fit.

    Raises:
        LabError: The two do not fit; the message lists arrays that are missing, left over or of another shape.
    """
    own = {name: name for name in graph.parameters}
    known = [
        ("our own names", own, {}),
        *((f"the names of {layout.name}", layout.arrays, layout.constants) for layout in layouts(graph)),
    ]
    skipped = {f"{name}.{key}" for name in skip for key in _node(graph, name).params}
    for how, names, constants in known:
        may_miss = {names[own] for own in skipped}
        if set(names.values()) - may_miss | set(constants) <= set(arrays) <= set(names.values()) | set(constants):
            faults = _shape_faults(graph, names, arrays, skip) + _constant_faults(constants, arrays)
            if faults:
                raise LabError(_message(faults))
            return Match(_taken(graph, names, arrays), how)
    paired = by_structure(graph, arrays, set(skip))
    if paired is not None:
        return Match(_taken(graph, paired, arrays), "the structure")
    _, names, constants = max(known, key=lambda item: len(set(item[1].values()) & set(arrays)))
    if len(set(names.values()) & set(arrays)) < len(arrays) / 2:  # no known layout has these names
        faults = difference(graph, arrays)
        raise LabError(_message(faults or ["the shapes match, but the layers' order or the names of shortcuts differ"]))
    faults = [f"missing {name}" for name in names.values() if name not in arrays]
    faults += [f"left over {name}" for name in arrays if name not in names.values() and name not in constants]
    raise LabError(_message(faults + _shape_faults(graph, names, arrays, skip)))


def _message(faults: list[str]) -> str:
    more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return f"the weights do not fit the network: {'; '.join(faults[:_SHOWN])}{more}"


def _shape_faults(graph: Graph, names: Mapping[str, str], arrays: Arrays, skip: Iterable[str]) -> list[str]:
    skipped = set(skip)
    return [
        f"{other} is {show(arrays[other].shape)}, not {show(graph.parameters[own].shape)}"
        for own, other in names.items()
        if other in arrays
        and arrays[other].shape != graph.parameters[own].shape
        and own.rpartition(".")[0] not in skipped
    ]


def _constant_faults(constants: Mapping[str, tuple[int, float]], arrays: Arrays) -> list[str]:
    return [
        f"{name} is not {value:g} everywhere, and this network has no such parameter"
        for name, (length, value) in constants.items()
        if arrays[name].shape != (length,) or not (arrays[name] == value).all()
    ]


def _node(graph: Graph, name: str) -> Node:
    return next(node for node in graph.nodes if node.name == name)


def _taken(graph: Graph, names: Mapping[str, str], arrays: Arrays) -> dict[str, NDArray[np.float32]]:
    present = {own: arrays[other] for own, other in names.items() if other in arrays}
    return {own: array for own, array in present.items() if array.shape == graph.parameters[own].shape}
