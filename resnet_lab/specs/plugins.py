"""Python files of a person's own that register blocks, datasets and others: run once, and again when they change.

A file may import helper modules that lie beside it, by their plain names. The folder does not enter `sys.path`: each
file has an `import` of its own, so files in two folders may each have a helper of the same name.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from ..base.errors import LabError, line_in
from ..base.registry import LOADED_FILES, REGISTRIES


def load_file(path: Path, mark: tuple[str, int], kind: str = "block") -> None:
    """Run a Python file that registers blocks, datasets or others, unless it has run already with this content.

    The content of its helper modules counts, too.

    Args:
        path: the file.
        mark: file and line of the spec that names it, for messages.
        kind: what the file is expected to register, for messages.

    Raises:
        LabError: The file is missing or is no Python file (at the spec's line), or it fails (at its own line).
    """
    path = path.resolve()
    if not path.is_file():
        raise LabError(f"there is no {kind} file {path}", file=mark[0], line=mark[1])
    if path.suffix != ".py":
        raise LabError(f"{path} is no Python file: the file of a {kind} ends in .py", file=mark[0], line=mark[1])
    content = digest(path)
    if LOADED_FILES.get(path) == content:
        return
    _forget(path)
    parts = helpers(path)
    before = {id(registry): dict(registry.registered) for registry in REGISTRIES}
    try:
        _run(path, {})
        LOADED_FILES[path] = content
    finally:
        for registry in REGISTRIES:
            known = before.get(id(registry), {})
            for name, entry in registry.registered.items():
                if known.get(name) is not entry and not entry.is_own:  # a module of ours that the file imports first
                    written = Path(entry.source.rpartition(":")[0])
                    home = written if written in parts else path
                    registry.registered[name] = replace(entry, home=str(home))
        if path not in LOADED_FILES:
            _forget(path)


def _forget(path: Path) -> None:
    """Remove from every registry what a file has registered."""
    LOADED_FILES.pop(path, None)
    for registry in REGISTRIES:
        for name, entry in list(registry.registered.items()):
            if entry.home == str(path):
                del registry.registered[name]


def helper(file: Path, name: str) -> Path | None:
    """The module beside a person's file that the file means by a name; None for every other module.

    A module of Python itself and this package keep their names.
    """
    beside = file.parent / f"{name}.py"
    is_taken = name in sys.stdlib_module_names or name == __package__.partition(".")[0]
    return beside if name.isidentifier() and not is_taken and beside.is_file() else None


def helpers(file: Path) -> list[Path]:
    """The helper modules that a person's file imports, and those that these import; sorted, without the file itself."""
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        importing = waiting.pop()
        for name in _imported(importing):
            imported = helper(importing, name)
            if imported is not None and imported != file and imported not in found:
                found.add(imported)
                waiting.append(imported)
    return sorted(found)


def _imported(file: Path) -> list[str]:
    """The names of the modules that a file imports, also those that its functions import."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # the file is refused when it runs
        return []
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
    return [alias.name for node in imports for alias in node.names] + [node.module or "" for node in froms]


def digest(file: Path) -> str:
    """64 hex digits that change with the content of a person's file and of its helper modules."""
    content = [hashlib.sha256(each.read_bytes()).hexdigest() for each in (file, *helpers(file))]
    return content[0] if len(content) == 1 else hashlib.sha256("".join(content).encode()).hexdigest()


def _run(path: Path, modules: dict[Path, ModuleType]) -> ModuleType:
    """Run a file as a module; `modules` holds the helpers that the same load has imported already."""
    # Compiled here and not by an import: Python's cache of compiled files misses a second edit within one second.
    name = f"resnet_lab_own_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    module = sys.modules[name] = modules[path] = ModuleType(name)
    module.__file__ = str(path)
    if helpers(path):
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _importer(path, modules)}
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
    return module


def _importer(path: Path, modules: dict[Path, ModuleType]) -> Callable[..., ModuleType]:
    """The function that carries out `import` for one file: helper modules beside the file, else as Python does."""

    def load(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        beside = None if level else helper(path, name)
        if beside is None:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        if beside not in modules:
            _forget(beside)  # its blocks, if it was loaded as a block file: they are registered anew
            _run(beside, modules)
        return modules[beside]

    return load
