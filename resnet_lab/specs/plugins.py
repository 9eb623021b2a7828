"""Python files of a person's own that register blocks, datasets and others: run once, and again when they change."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from ..base.errors import LabError, line_in
from ..base.registry import LOADED_FILES, REGISTRIES


def load_file(path: Path, mark: tuple[str, int], kind: str = "block") -> None:
    """Run a Python file that registers blocks, datasets or others, unless this content of it has run already.

    Args:
        path: the file.
        mark: file and line of the spec that names it, for messages.
        kind: what the file is expected to register, for messages.

    Raises:
        LabError: The file is missing (at the spec's line) or fails (at its own line).
    """
    path = path.resolve()
    if not path.is_file():
        raise LabError(f"there is no {kind} file {path}", file=mark[0], line=mark[1])
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    if LOADED_FILES.get(path) == content:
        return
    _forget(path)
    before = {id(registry): dict(registry.registered) for registry in REGISTRIES}
    try:
        _run(path)
        LOADED_FILES[path] = content
    finally:
        for registry in REGISTRIES:
            known = before.get(id(registry), {})
            for name, entry in registry.registered.items():
                if known.get(name) is not entry and not entry.is_own:  # a module of ours that the file imports first
                    registry.registered[name] = replace(entry, home=str(path))
        if path not in LOADED_FILES:
            _forget(path)


def _forget(path: Path) -> None:
    """Remove from every registry what a file has registered."""
    LOADED_FILES.pop(path, None)
    for registry in REGISTRIES:
        for name, entry in list(registry.registered.items()):
            if entry.home == str(path):
                del registry.registered[name]


def _run(path: Path) -> None:
    # Compiled here and not by an import: Python's cache of compiled files misses a second edit within one second.
    name = f"resnet_lab_own_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    module = sys.modules[name] = ModuleType(name)
    module.__file__ = str(path)
    try:
        exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), module.__dict__)
    except LabError as error:
        raise error.at(path, line_in(path, error)) from None
    except SyntaxError as error:
        raise LabError(f"is no valid Python: {error.msg}", file=error.filename, line=error.lineno) from None
    except (Exception, SystemExit) as error:
        raise LabError(
            f"fails when it is loaded: {type(error).__name__}: {error}", file=path, line=line_in(path, error)
        ) from None
