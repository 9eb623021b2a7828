"""How a spec takes over another: `extends`, `every_stage`, and changes to single stages."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import workspace
from .errors import LabError
from .yamlfile import Document, KeyPath, read


def resolve(path: Path, chain: tuple[Path, ...] = ()) -> Document:
    """Read a spec and what it extends.

    Args:
        chain: who extends whom so far.

    Raises:
        LabError: a file is missing or wrong, or `extends` goes in a circle; with file and line.
    """
    document = read(path)
    _absolute_blocks(document, path)
    base = document.value.pop("extends", None)
    if base is None:
        return _apply_every_stage(document)
    mark = document.mark(("extends",))
    if not isinstance(base, str):
        raise document.error(("extends",), f"'extends' names one variant, not {base!r}")
    try:
        parent = workspace.find(base, "variants", beside=path.parent, skip=path)
    except LabError as error:
        raise error.at(*mark) from None
    if parent.resolve() in [file.resolve() for file in (*chain, path)]:
        circle = " -> ".join(file.stem for file in (*chain, path, parent))
        raise LabError(f"'extends' goes in a circle: {circle}", file=mark[0], line=mark[1])
    return extend(resolve(parent, (*chain, path)), document)


def _absolute_blocks(document: Document, path: Path) -> None:
    files = document.value.get("blocks")
    if isinstance(files, list):
        document.value["blocks"] = [
            str((path.parent / file).resolve()) if isinstance(file, str) else file for file in files
        ]


def extend(base: Document, child: Document) -> Document:
    """The base with the child's values on top: mappings are merged, null removes a key, else the child's stands.

    `every_stage` reaches into all stages of the base; `stages` is a new list, or a mapping from a
    stage's number (from 1) to what changes in it; `blocks` are added.
    """
    merged = Document(copy.deepcopy(base.value), child.file, dict(base.marks))
    own = dict(child.value)
    stages = own.pop("stages", None)
    every = own.pop("every_stage", None)
    if every is not None:
        for index in range(len(merged.value.get("stages") or [])):
            _merge(merged, ("stages", index), _mapping(child, ("every_stage",), every), child, ("every_stage",))
    if isinstance(stages, dict):
        _merge_stages(merged, stages, child)
    elif stages is not None:
        fresh = Document({"stages": stages, "every_stage": every or {}}, child.file, child.marks)
        _apply_every_stage(fresh)
        _copy(merged, ("stages",), fresh.value["stages"], fresh, ("stages",))
    if isinstance(own.get("blocks"), list) and isinstance(merged.value.get("blocks"), list):
        for index, file in enumerate(own.pop("blocks")):
            merged.value["blocks"].append(file)
            merged.marks["blocks", len(merged.value["blocks"]) - 1] = child.mark(("blocks", index))
    _merge(merged, (), own, child, ())
    return merged


def _merge_stages(merged: Document, stages: dict[Any, Any], child: Document) -> None:
    count = len(merged.value.get("stages") or [])
    for number, changes in stages.items():
        if not isinstance(number, int) or not 1 <= number <= count:
            raise child.error(
                ("stages", number), f"there is no stage {number}: what it extends has the stages 1 to {count}"
            )
        place = ("stages", number)
        _merge(merged, ("stages", number - 1), _mapping(child, place, changes), child, place)


def _mapping(document: Document, path: KeyPath, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise document.error(path, f"'{path[-1]}' is a mapping of keys, not {value!r}")
    return value


def _merge(target: Document, path: KeyPath, changes: Mapping[str, Any], source: Document, place: KeyPath) -> None:
    here: Any = target.value
    for key in path:
        here = here[key]
    for key, value in changes.items():
        if value is None:
            here.pop(key, None)
        elif isinstance(value, dict) and isinstance(here.get(key), dict):
            _merge(target, (*path, key), value, source, (*place, key))
        else:
            _copy(target, (*path, key), value, source, (*place, key))


def _copy(target: Document, path: KeyPath, value: object, source: Document, place: KeyPath) -> None:
    """Set a value with the marks of where it comes from."""
    target.put(path, copy.deepcopy(value), source.mark(place))
    for known, mark in list(source.marks.items()):
        if known[: len(place)] == place:
            target.marks[(*path, *known[len(place) :])] = mark


def _apply_every_stage(document: Document) -> Document:
    """Give each stage the values of `every_stage` that it does not state itself."""
    every = document.value.pop("every_stage", None)
    stages = document.value.get("stages")
    if every is not None and isinstance(stages, list):
        for index, stage in enumerate(stages):
            if isinstance(stage, dict):
                own = _mapping(document, ("every_stage",), every)
                missing = {key: value for key, value in own.items() if key not in stage}
                _merge(document, ("stages", index), missing, document, ("every_stage",))
    return document
