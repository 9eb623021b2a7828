"""Specs that extend another spec: `extends`, `every_stage`, and changes to single stages."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..base.errors import LabError
from . import workspace
from .yamlfile import Document, KeyPath, read

STAGE_KEYS = ("block", "repeat", "channels", "stride", "shortcut", "first")
"""A stage's own keys; any other key is an option of its block."""


def resolve(path: Path, chain: tuple[Path, ...] = ()) -> Document:
    """Read a spec and the specs that it extends.

    Args:
        path: the spec's file.
        chain: the files that extend one another and end in `path`.

    Raises:
        LabError: A file is missing or wrong, or `extends` goes in a circle; with file and line.
    """
    document = read(path)
    workspace.check_kind(document, "variants")
    _absolute_blocks(document, path)
    base = document.value.pop("extends", None)
    if base is None:
        _fill(document, document.value.get("every_stage"), inherited=())
        return document
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
    extended = resolve(parent, (*chain, path))
    extended.value.pop("description", None)  # it says what the other network is
    return extend(extended, document)


def _absolute_blocks(document: Document, path: Path) -> None:
    """Make the paths of block files absolute; in a spec they are relative to its folder."""
    files = document.value.get("blocks")
    if isinstance(files, list):
        document.value["blocks"] = [
            str((path.parent / file).resolve()) if isinstance(file, str) else file for file in files
        ]


def extend(base: Document, child: Document) -> Document:
    """Put the values of a spec on top of those of its base.

    Mappings are merged, null removes a key, and any other value of the child replaces the base's. Some keys have rules
    of their own:

    - `every_stage` changes all stages of the base;
    - `stages` is a mapping from a stage's number (from 1) to changes of this stage, or a new list, for which the
      `every_stage` of both specs gives defaults;
    - `blocks` adds files to those of the base.

    Where a stage gets another block, the options of the old block are `inherited`: they are removed later if the new
    block does not take them.

    Args:
        base: the spec that is extended, resolved.
        child: the spec that extends it.

    Raises:
        LabError: A value is of the wrong kind, or a stage does not exist; with file and line.
    """
    merged = base.copy()
    put_on(merged, child)
    return merged


def put_on(merged: Document, child: Document) -> None:
    """Change a resolved spec into what `extend` would return, without a copy of it."""
    own = dict(child.value)
    stages, every = own.pop("stages", None), own.pop("every_stage", None)
    before = _mapping(merged, ("every_stage",), merged.value.get("every_stage") or {})
    if every is not None:
        merged.value["every_stage"] = dict(before)
        _merge(merged, ("every_stage",), _mapping(child, ("every_stage",), every), child, ("every_stage",))
    if stages is None or isinstance(stages, dict):
        for index in range(len(_stages(merged))):
            _change(merged, index, every or {}, child, ("every_stage",))
        for number, changes in (stages or {}).items():
            _change_numbered(merged, number, changes, child)
    else:
        _copy(merged, ("stages",), stages, child, ("stages",))
        merged.inherited = {path for path in merged.inherited if path[0] != "stages"}
        _fill(
            merged, merged.value.get("every_stage"), inherited=tuple(key for key in before if key not in (every or {}))
        )
    if isinstance(own.get("blocks"), list) and isinstance(merged.value.get("blocks"), list):
        for index, file in enumerate(own.pop("blocks")):
            merged.value["blocks"].append(file)
            merged.marks["blocks", len(merged.value["blocks"]) - 1] = child.mark(("blocks", index))
    _merge(merged, (), own, child, ())
    merged.file = child.file


def _stages(document: Document) -> list[dict[str, Any]]:
    stages = document.value.get("stages", [])
    if not isinstance(stages, list) or not all(isinstance(stage, dict) for stage in stages):
        raise document.error(("stages",), "'stages' is a list of mappings, one for each stage")
    return stages


def _change_numbered(merged: Document, number: object, changes: object, child: Document) -> None:
    place, count = ("stages", number), len(_stages(merged))
    if not isinstance(number, int) or not 1 <= number <= count:
        message = f"there is no stage {number}: the spec that is extended has the stages 1 to {count}"
        raise child.error(place, message)  # type: ignore[arg-type]
    _change(merged, number - 1, _mapping(child, place, changes), child, place)  # type: ignore[arg-type]


def _change(merged: Document, index: int, changes: Mapping[str, Any], child: Document, place: KeyPath) -> None:
    """Merge changes into one stage."""
    stage = _stages(merged)[index]
    if changes.get("block", stage.get("block")) != stage.get("block"):
        merged.inherited |= _options_of(index, stage)
    merged.inherited -= _options_of(index, changes)
    _merge(merged, ("stages", index), changes, child, place)


def _mapping(document: Document, path: KeyPath, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise document.error(path, f"'{path[-1]}' is a mapping of keys, not {value!r}")
    return value


def _merge(target: Document, path: KeyPath, changes: Mapping[str, Any], source: Document, place: KeyPath) -> None:
    """Merge changes, which stand at `place` of the source, into the mapping at `path` of the target."""
    here: Any = target.value
    for key in path:
        here = here[key]
    for key, value in changes.items():
        if value is None:
            here.pop(key, None)
            target.removed[(*path, key)] = source.mark((*place, key))
        elif isinstance(value, dict) and key == "shortcut" and isinstance(here.get(key), str):
            here[key] = {"kind": here[key]}  # `shortcut: pad` means `shortcut: {kind: pad}`
            _merge(target, (*path, key), value, source, (*place, key))
        elif isinstance(value, dict) and isinstance(here.get(key), dict):
            _merge(target, (*path, key), value, source, (*place, key))
        else:
            _copy(target, (*path, key), value, source, (*place, key))


def _copy(target: Document, path: KeyPath, value: object, source: Document, place: KeyPath) -> None:
    """Set a value, and take over the marks of the document that it comes from."""
    target.put(path, copy.deepcopy(value), source.mark(place))
    for known, mark in list(source.marks.items()):
        if known[: len(place)] == place:
            target.marks[(*path, *known[len(place) :])] = mark


def _fill(document: Document, every: object, inherited: tuple[str, ...]) -> None:
    """Give each stage the values of `every_stage` that the stage does not state itself.

    Args:
        document: the spec, which is changed.
        every: the value of `every_stage`.
        inherited: keys of `every_stage` that come from a base, and may be options of a block that was replaced.
    """
    if every is None or not isinstance(document.value.get("stages"), list):
        return
    values = _mapping(document, ("every_stage",), every)
    for index, stage in enumerate(document.value["stages"]):
        if isinstance(stage, dict):
            missing = {key: value for key, value in values.items() if key not in stage}
            _merge(document, ("stages", index), missing, document, ("every_stage",))
            document.inherited |= _options_of(index, {key: missing[key] for key in missing if key in inherited})


def _options_of(index: int, stage: Mapping[str, Any]) -> set[KeyPath]:
    """Where a stage sets options of its block: beside its own keys, and inside `first`."""
    paths: set[KeyPath] = {("stages", index, key) for key in stage if key not in STAGE_KEYS}
    first = stage.get("first")
    return paths | {("stages", index, "first", key) for key in (first if isinstance(first, dict) else ())}
