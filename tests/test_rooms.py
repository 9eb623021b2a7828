"""The order of the rooms: imports point one way, and only an engine imports its framework (docs/architecture.md)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "resnet_lab"

ROOMS = ["base", "network", "ops", "blocks", "specs", "data", "engines", "weights", "training", "results", "sweeps"]
"""From the lowest to the highest; each may import those before it. `cli` may import every room."""

ALONE = {"data": {"base", "network", "specs"}, "results": {"base", "network", "specs"}}
"""Rooms that import less than their place would allow."""

FRAMEWORKS = {"mxnet", "gluoncv", "torch", "torchvision"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Every module that a file imports, the line, and whether it is imported when the file is."""
    tree = ast.parse(path.read_text())
    inside = {id(node) for function in ast.walk(tree) if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
              for node in ast.walk(function)}  # fmt: skip
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    for node in ast.walk(tree):
        at_once = id(node) not in inside
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno, at_once) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            parent = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parent, *([node.module] if node.module else [])])
            yield base, node.lineno, at_once
            yield from ((f"{base}.{alias.name}", node.lineno, at_once) for alias in node.names)


def room_of(module: str) -> str | None:
    """The room of a module of ours; None for another's, and for the package itself."""
    parts = module.split(".")
    return parts[1] if parts[0] == "resnet_lab" and len(parts) > 1 else None


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_point_one_way(path):
    own = room_of(name_of(path))
    if own not in ROOMS:
        return  # the faces: __init__, __main__ and cli
    allowed = ALONE.get(own, set(ROOMS[: ROOMS.index(own)])) | {own}
    known = {name_of(module) for module in modules()}
    for module, line, _ in imports(path):
        room = room_of(module)
        if room is not None and (module in known or room in ROOMS):
            assert room in allowed, f"{path.relative_to(ROOT)}:{line}: the room '{own}' imports '{module}'"


def test_every_room_has_its_place():
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").is_file()}
    assert folders == {*ROOMS, "cli"}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_only_an_engine_imports_its_framework_at_once(path):
    own = name_of(path).split(".")[1:3]
    for module, line, at_once in imports(path):
        framework = module.partition(".")[0]
        if framework in FRAMEWORKS and at_once:
            assert own == ["engines", framework], f"{path.relative_to(ROOT)}:{line} imports {framework}"


DESCRIBE = """
import sys
from resnet_lab.cli.app import main
sys.argv = ["resnet-lab", "describe", "resnet152"]
try:
    main()
except SystemExit as end:
    assert not end.code
print(*sys.modules, sep="\\n")
"""


def test_describing_a_network_loads_no_framework_no_pandas_and_no_numpy():
    done = subprocess.run([sys.executable, "-c", DESCRIBE], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "resnet_lab.network.graph" in loaded
    assert not loaded & {*FRAMEWORKS, "pandas", "numpy", "PIL", "sklearn", "matplotlib"}


def test_modules_of_a_room_import_each_other_in_no_circle():
    known = {name_of(path): path for path in modules()}
    graph = {
        name: {module for module, _, at_once in imports(path) if at_once and module in known and module != name}
        for name, path in known.items()
        if path.name != "__init__.py"
    }
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, "a circle: " + " -> ".join([*way[way.index(name) :], name])
        if name not in done:
            for other in graph.get(name, ()):
                visit(other, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())
