"""Code of a person's own: files of blocks or datasets that a spec names, and packages that offer an entry point."""

from __future__ import annotations

import hashlib
import importlib.metadata
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from ..base.errors import LabError
from ..base.registry import DATASETS
from ..blocks.registry import BLOCKS
from ..blocks.stems import STEMS

GROUP = "resnet_lab.blocks"
_LOADED: dict[Path, str] = {}
"""Each file that has run, and the hash of what it was then."""

_REGISTRIES = (BLOCKS, STEMS, DATASETS)


def is_own(function: Callable[..., Any]) -> bool:
    """Whether a function is part of this package."""
    return function.__module__.partition(".")[0] == __package__.partition(".")[0]


def load_file(path: Path, mark: tuple[str, int], kind: str = "block") -> None:
    """Run a Python file that registers blocks or datasets; again only when it has changed.

    Args:
        mark: file and line of the spec that names it.
        kind: what it is expected to hold, for messages.

    Raises:
        LabError: it is missing (at the spec's line) or fails (at its own line).
    """
    path = path.resolve()
    if not path.is_file():
        raise LabError(f"there is no {kind} file {path}", file=mark[0], line=mark[1])
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    if _LOADED.get(path) == content:
        return
    _forget(path)
    before = [dict(registry.entries) for registry in _REGISTRIES]
    try:
        _run(path)
        _LOADED[path] = content
    finally:
        for registry, known in zip(_REGISTRIES, before, strict=True):
            for name, entry in registry.entries.items():
                if known.get(name) is not entry:
                    registry.entries[name] = replace(entry, home=str(path))
        if path not in _LOADED:
            _forget(path)


def _forget(path: Path) -> None:
    """Take out of the registries what a file put there."""
    _LOADED.pop(path, None)
    for registry in _REGISTRIES:
        for name, entry in list(registry.entries.items()):
            if entry.home == str(path):
                del registry.entries[name]


def _run(path: Path) -> None:
    # Compiled here, not through Python's cache, which takes an edit within a second for none.
    name = f"resnet_lab_own_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    module = sys.modules[name] = ModuleType(name)
    module.__file__ = str(path)
    try:
        exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), module.__dict__)
    except LabError as error:
        raise error.at(path, _line_in(path, error)) from None
    except SyntaxError as error:
        raise LabError(f"is no valid Python: {error.msg}", file=error.filename, line=error.lineno) from None
    except (Exception, SystemExit) as error:
        raise LabError(
            f"fails when it is loaded: {type(error).__name__}: {error}", file=path, line=_line_in(path, error)
        ) from None


def _line_in(path: Path, error: BaseException) -> int | None:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else None


@cache
def load_entry_points() -> None:
    """Import every installed package's entry points of the group `resnet_lab.blocks`, once.

    Raises:
        LabError: one of them fails; it is named.
    """
    for point in importlib.metadata.entry_points(group=GROUP):
        try:
            point.load()
        except LabError:
            raise
        except Exception as error:
            raise LabError(
                f"the entry point '{point.name}' ({point.value}) of the group {GROUP} fails: "
                f"{type(error).__name__}: {error}"
            ) from None
