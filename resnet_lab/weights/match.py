"""Which array of a file is which of a network: by a layout's names, else by the structure alone."""

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


@dataclass(frozen=True)
class Match:
    """Weights by canonical name, and how they were found."""

    arrays: dict[str, NDArray[np.float32]]
    how: str


def match(graph: Graph, arrays: Arrays, skip: Iterable[str] = ()) -> Match:
    """Give each array of a network its array of a file.

    Args:
        arrays: in the file's order, by the names of whoever wrote it.
        skip: nodes whose shapes may differ, or which the file may not have; they are left out then (a head of
            another size).

    Raises:
        LabError: they do not fit; a short list of what is missing, left over or differently shaped.
    """
    own = {name: name for name in graph.parameters}
    known = [
        ("our own names", own, {}),
        *((f"the names of {found.name}", found.arrays, found.constants) for found in layouts(graph)),
    ]
    skipped = {f"{name}.{key}" for name in skip for key in _node(graph, name).params}
    for how, names, constants in known:
        may_miss = {names[own] for own in skipped}
        if set(names.values()) - may_miss | set(constants) <= set(arrays) <= set(names.values()) | set(constants):
            faults = _shape_faults(graph, names, arrays, skip) + _constant_faults(constants, arrays)
            if faults:
                raise LabError(_told(faults))
            return Match(_taken(graph, names, arrays), how)
    paired = by_structure(graph, arrays, set(skip))
    if paired is not None:
        return Match(_taken(graph, paired, arrays), "the structure")
    _, names, constants = max(known, key=lambda item: len(set(item[1].values()) & set(arrays)))
    if len(set(names.values()) & set(arrays)) < len(arrays) / 2:  # names that nobody here gives
        faults = difference(graph, arrays)
        raise LabError(_told(faults or ["their order or their names, by which shortcuts are known, is another"]))
    faults = [f"missing {name}" for name in names.values() if name not in arrays]
    faults += [f"left over {name}" for name in arrays if name not in names.values() and name not in constants]
    raise LabError(_told(faults + _shape_faults(graph, names, arrays, skip)))


def _told(faults: list[str]) -> str:
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
        f"{name} is not {value:g} throughout, and this network has no such parameter"
        for name, (length, value) in constants.items()
        if arrays[name].shape != (length,) or not (arrays[name] == value).all()
    ]


def _node(graph: Graph, name: str) -> Node:
    return next(node for node in graph.nodes if node.name == name)


def _taken(graph: Graph, names: Mapping[str, str], arrays: Arrays) -> dict[str, NDArray[np.float32]]:
    found = {own: arrays[other] for own, other in names.items() if other in arrays}
    return {own: array for own, array in found.items() if array.shape == graph.parameters[own].shape}
