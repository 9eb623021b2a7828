"""YAML files, read safely; file and line of every value are kept for messages."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..base.errors import LabError

_DEEPEST, _MOST = 40, 100_000

KeyPath = tuple[str | int, ...]
Mark = tuple[str, int]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader with YAML 1.2's plain scalars: 1e-4 is a number, yes and 12:30 are strings."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


for _tag, _pattern, _first in [
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
]:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)

_Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node), 10))


@dataclass
class Document:
    """The values of a YAML file, and where each is written.

    Attributes:
        value: plain Python values.
        file: the file.
        marks: file and line of each value, by its path of keys and list positions.
        inherited: paths of options of a block that another block has replaced (extends.py).
        removed: file and line of each null that removed a key (extends.py).
    """

    value: dict[str, Any]
    file: str
    marks: dict[KeyPath, Mark] = field(default_factory=dict)
    inherited: set[KeyPath] = field(default_factory=set)
    removed: dict[KeyPath, Mark] = field(default_factory=dict)

    def copy(self) -> Document:
        """A document that can be changed while this one stays as it is."""
        return Document(copy.deepcopy(self.value), self.file, dict(self.marks), set(self.inherited), dict(self.removed))

    def mark(self, path: KeyPath = ()) -> Mark:
        """File and line of the value at `path`, or of the nearest mapping or list around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.marks:
                return self.marks[path[:length]]
        return self.file, 1

    def error(self, path: KeyPath, message: str) -> LabError:
        """Make an error with file and line of the value at `path`."""
        file, line = self.mark(path)
        return LabError(message, file=file, line=line)

    @contextmanager
    def at(self, *path: str | int) -> Iterator[None]:
        """Give file and line of the value at `path` to an error that is raised inside the `with` statement."""
        try:
            yield
        except LabError as error:
            raise self.error(path, error.message) from None

    def put(self, path: KeyPath, value: Any, mark: Mark) -> None:
        """Set the value at `path`; missing mappings are made, and marks below the path are forgotten.

        Raises:
            LabError: A part of the path is no mapping, or a list has no such position.
        """
        here: Any = self.value
        for depth, key in enumerate(path):
            last = depth == len(path) - 1
            if isinstance(here, list):
                if not isinstance(key, int) or not 0 <= key < len(here):
                    raise LabError(
                        f"'{dotted(path)}': '{dotted(path[:depth])}' has the places 0 to {len(here) - 1}, not '{key}'",
                        file=mark[0],
                        line=mark[1],
                    )
            elif not isinstance(here, dict):
                raise LabError(f"'{dotted(path)}': '{dotted(path[:depth])}' is no mapping", file=mark[0], line=mark[1])
            if last:
                here[key] = value
            else:
                if isinstance(here, dict) and here.get(key) is None:
                    here[key] = {}
                    self.marks[path[: depth + 1]] = mark
                here = here[key]
        for known in [known for known in self.marks if known[: len(path)] == path]:
            del self.marks[known]
        self.marks[path] = mark


def dotted(path: KeyPath) -> str:
    """Write a path with dots: ('stages', 0, 'block') as 'stages.0.block'."""
    return ".".join(map(str, path))


def read(path: str | Path) -> Document:
    """Read a file that contains one mapping.

    Raises:
        LabError: The file is missing or is no text, is not valid YAML, contains a key twice, asks for a Python object,
            or is no mapping; with file and line.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise LabError(f"cannot be read: {error.strerror}", file=path) from None
    except UnicodeDecodeError:
        raise LabError("is no UTF-8 text", file=path) from None
    return parse(text, str(path))


def parse(text: str, file: str) -> Document:
    """Read a text that contains one mapping, as `read` does; messages call the text `file`."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise LabError("is empty, where a mapping of keys was expected", file=file, line=1)
        if not isinstance(node, yaml.MappingNode):
            raise LabError(
                f"begins with a {node.id}, where a mapping of keys was expected",
                file=file,
                line=node.start_mark.line + 1,
            )
        marks: dict[KeyPath, Mark] = {}
        return Document(_plain(loader, node, (), file, marks), file, marks)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.problem, error.context) if part)
        raise LabError(f"is no valid YAML: {what}", file=file, line=mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:
        raise LabError(f"is no valid YAML: {error}", file=file) from None
    finally:
        loader.dispose()


def scalar(text: str) -> Any:
    """Read one value such as `0.1` or `[1, 2]`, as it would be read in a file.

    Raises:
        LabError: The text is not valid YAML.
    """
    return parse(f"value: {text}", "the command line").value["value"]


def _plain(loader: Any, node: yaml.Node, path: KeyPath, file: str, marks: dict[KeyPath, Mark]) -> Any:
    """Make plain values of a YAML node, and mark where each is written."""
    marks.setdefault(path, (file, node.start_mark.line + 1))
    if len(path) > _DEEPEST or len(marks) > _MOST:  # an alias to itself, or aliases that multiply
        raise LabError("nests too deeply or grows too large for a spec", file=file, line=node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
        mapping: dict[str | int, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if not isinstance(key, (str, int)) or isinstance(key, bool):
                raise LabError(f"the key {key!r} is no word", file=file, line=line)
            if key in mapping:
                raise LabError(f"the key '{key}' stands twice in one mapping", file=file, line=line)
            marks[(*path, key)] = (file, line)
            mapping[key] = _plain(loader, value_node, (*path, key), file, marks)
        return mapping
    if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
        return [_plain(loader, child, (*path, index), file, marks) for index, child in enumerate(node.value)]
    try:
        return loader.construct_object(node, deep=True)
    except (ValueError, KeyError, TypeError, AttributeError):
        tag, shown = node.tag.replace("tag:yaml.org,2002:", "!!"), str(node.value)
        shown = shown if len(shown) < 30 else shown[:30] + "..."
        raise LabError(f"'{shown}' cannot be read as {tag}", file=file, line=node.start_mark.line + 1) from None
    except yaml.constructor.ConstructorError:
        raise LabError(
            f"the tag '{node.tag.replace('tag:yaml.org,2002:', '!!')}' is refused: a spec holds plain values only",
            file=file,
            line=node.start_mark.line + 1,
        ) from None
