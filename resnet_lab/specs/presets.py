"""Presets: named changes of an experiment that its own file offers, such as a small form for two cores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..base.errors import unknown
from .yamlfile import Document, KeyPath


def apply(document: Document, name: str) -> None:
    """Write the settings of a preset over the keys of the experiment; each keeps the file and line of the preset.

    A key is written with dots, as behind `--set`, or as a mapping. A mapping is merged key by key with that of the
    experiment. But a mapping that has a `name` (a dataset, an optimizer, a schedule) replaces that of the experiment,
    because its options belong to this name. An empty mapping replaces it, too.

    Args:
        document: the experiment as its file states it; it is changed.
        name: the name of the preset.

    Raises:
        LabError: The file has no preset of this name, a preset is no mapping, or it changes presets.
    """
    presets = document.value.get("presets") or {}
    if not isinstance(presets, dict) or name not in presets:
        known = presets if isinstance(presets, dict) else ()
        raise document.error(("presets",), unknown("preset", name, map(str, known)))
    settings, root = presets[name], ("presets", name)
    if not isinstance(settings, dict):
        raise document.error(root, f"the preset '{name}' is no mapping of keys, such as train.epochs: 3")
    for written, value in settings.items():
        path = key_path(str(written))
        if path[0] == "presets":
            raise document.error((*root, written), "a preset cannot change presets")
        for source, target, part in _parts((*root, written), path, value):
            marks = {place: mark for place, mark in document.marks.items() if place[: len(source)] == source}
            with document.at(*source):
                document.put(target, part, document.mark(source))
            document.marks.update({(*target, *place[len(source) :]): mark for place, mark in marks.items()})


def key_path(key: str) -> KeyPath:
    """The place in a document that a dotted key names: numbers count the entries of a list from 0."""
    return tuple(int(part) if part.isdecimal() else part for part in key.split("."))


def _parts(source: KeyPath, target: KeyPath, value: Any) -> Iterator[tuple[KeyPath, KeyPath, Any]]:
    """Where each value of a setting is written, where it belongs, and the value; mappings are taken apart."""
    if isinstance(value, dict) and value and "name" not in value:
        for key, part in value.items():
            yield from _parts((*source, key), (*target, key), part)
    else:
        yield source, target, value
