"""Explain the mistakes that pydantic finds in a spec: one message with the file, the line and the nearest right key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..base.errors import LabError, unknown
from .yamlfile import Document, KeyPath, dotted

if TYPE_CHECKING:
    from pydantic import ValidationError


Known = Mapping[str, list[str]]
"""The keys that are right in each place of a spec; `explain` describes the places."""


def explain(error: ValidationError, document: Document, known: Known | None = None) -> LabError:
    """Write the first mistake that pydantic found as one message with file and line.

    Args:
        error: pydantic's error.
        document: the values that were checked.
        known: the keys that are right in each place, by its dotted path: '' is the top, 'stages.*' any stage. Where
            the `name` in a mapping chooses a class, the keys of the class NAME are at 'place.NAME'.
    """
    # Pydantic reports a misspelt key twice: as unknown, and as missing under its right name. The first says more.
    first = min(
        error.errors(),
        key=lambda detail: (
            detail["type"] != "extra_forbidden",
            document.mark(_written(_untagged(detail, document.value)[0], document.value))[1],
        ),
    )
    location, tag = _untagged(first, document.value)
    path = _written(location, document.value)
    if first["type"] == "extra_forbidden":
        return document.error(path, _unknown_key(location, tag, known or {}))
    if first["type"] == "union_tag_invalid":
        return _unknown_name(first, document, (*path, "name"))
    if first["type"] == "missing":
        return _missing_key(first, document, location, tag, known or {})
    return document.error(path, _wrong_value(first, location, path))


def _shown(path: KeyPath) -> str:
    """Write a path with dots; stages count from 1, as in `--set stages.2.repeat=3` and in the names of layers."""
    if len(path) > 1 and path[0] == "stages" and isinstance(path[1], int):
        path = ("stages", path[1] + 1, *path[2:])
    return dotted(path)


def _inside(location: KeyPath) -> str:
    """Where the last key of a location stands, as the end of a phrase; '' at the top of the file."""
    return f" in '{_shown(location[:-1])}'" if location[:-1] else ""


def _unknown_key(location: KeyPath, tag: str, known: Known) -> str:
    """The message for a key that no class has, or that only a class other than `tag` has."""
    key = location[-1] if location else ""
    place = ".".join("*" if isinstance(part, int) else str(part) for part in location[:-1])
    if tag:
        owners = [
            other.rpartition(".")[2]
            for other, keys in known.items()
            if other.rpartition(".")[0] == place and key in keys
        ]
        if owners:
            return f"'{_shown(location)}': '{key}' belongs to {', '.join(owners)}, not to {tag}"
        place = f"{place}.{tag}"
    others = places(str(key), known)
    if others and not tag and key not in known.get(place, []):
        written = " or ".join(f"'{other}'" for other in others)
        return f"unknown key{_inside(location)}: '{key}', which is a key of {written}"
    return unknown(f"key{_inside(location)}:", key, known.get(place, []))


def places(key: str, known: Known) -> list[str]:
    """The places of a spec below its top where a key is right, such as `train` for `epochs`.

    Places inside a list, such as `stages.*`, are left out. Where a `name` chooses a class, the place is the mapping
    that has the name.
    """
    found = [
        place.rpartition(".")[0] if "name" in keys and "." in place else place
        for place, keys in known.items()
        if place and "*" not in place and key in keys
    ]
    return list(dict.fromkeys(found))


def _missing_key(detail: Any, document: Document, location: KeyPath, tag: str, known: Known) -> LabError:
    """The error for a key that a spec must have: it is not written, it is misspelt, or a null has removed it."""
    key = location[-1]
    if location in document.removed:
        file, line = document.removed[location]
        message = f"null removes the key '{key}'{_inside(location)}, which is required"
        return LabError(message, file=file, line=line)
    value = detail.get("input")
    right = known.get(dotted((*location[:-1], *([tag] if tag else []))), [])
    others = [str(other) for other in value if other not in right] if isinstance(value, dict) else []
    near = difflib.get_close_matches(str(key), others, 1)
    hint = f"; is '{near[0]}' a misspelling of it?" if near else ""
    return document.error(location[:-1], f"the key '{key}' is missing{_inside(location)}{hint}")


def _wrong_value(detail: Any, location: KeyPath, path: KeyPath) -> str:
    """The message for a value of another type, outside its range, or not among the words that are allowed."""
    kind, value = detail["type"], detail.get("input")
    message = re.sub(r"^(Input|List|Dictionary|String|Value) should", "should", detail["msg"])
    message = message.removeprefix("Value error, ")
    if kind == "value_error":
        return f"'{_shown(path)}': {message}" if path else message
    if kind == "literal_error" and isinstance(value, str):
        return unknown(f"'{_shown(path)}':", value, _words(detail["ctx"]["expected"]))
    if kind in ("model_type", "dict_type"):
        message = "should be a mapping of keys"
    shown = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)
    shown = "null" if value is None else shown
    return f"'{_shown(location)}' is {shown}: it {message}"


def _words(text: str) -> list[str]:
    """Split pydantic's list `'a', 'b' or 'c'` into words."""
    return [word.strip(" '") for word in text.replace(" or ", ", ").split(",")]


def _unknown_name(detail: Any, document: Document, path: KeyPath) -> LabError:
    """The error for a `name` that no class has."""
    name, names = detail["ctx"]["tag"], _words(detail["ctx"]["expected_tags"])
    return document.error(path, unknown(f"'{_shown(path)}':", name, names))


def _untagged(detail: Any, value: Any) -> tuple[KeyPath, str]:
    """Remove the names of classes from the location of an error.

    Pydantic adds such a name, called a tag, where the key `name` of a mapping chooses a class.

    Returns:
        The location without tags, and the last tag that was removed; '' where there was none.
    """
    path: list[str | int] = []
    tag, location = "", tuple(detail["loc"])
    for depth, key in enumerate(location):
        is_missing_key = detail["type"] == "missing" and depth == len(location) - 1
        if isinstance(value, dict) and key not in value and not is_missing_key:
            tag = str(key)
            continue
        inside = isinstance(value, dict) or (isinstance(value, list) and isinstance(key, int) and key < len(value))
        value = (value.get(key) if isinstance(value, dict) else value[key]) if inside else None
        path.append(key)
    return tuple(path), tag


def _written(location: KeyPath, value: Any) -> KeyPath:
    """The part of pydantic's location that is written in the file: a word such as `sgd` may stand for a mapping."""
    path: list[str | int] = []
    for depth, key in enumerate(location):
        if isinstance(value, dict) and (key in value or depth == len(location) - 1):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            break
        path.append(key)
    return tuple(path)
