"""Registries: functions that people add by name, such as blocks and datasets.

A registry holds the entries of one kind. `REGISTRIES` lists every registry, so that a file or an installed package can
add entries of any kind (specs/plugins.py, entry_points.py).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from . import entry_points
from .entry import Entry, OptionError
from .errors import LabError, unknown

__all__ = ["LOADED_FILES", "REGISTRIES", "Entry", "OptionError", "Registry", "temporary"]

E = TypeVar("E", bound=Entry)

REGISTRIES: list[Registry[Any]] = []
"""Every registry, in the order in which they were made."""

LOADED_FILES: dict[Path, str] = {}
"""Each person's file that has run, and the hash of its content, helper modules included, at that time."""


class Registry(Generic[E]):
    """The entries of one kind by name.

    Args:
        kind: what the entries are, such as `block`, for messages.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.registered: dict[str, E] = {}
        """What has been registered so far; `entries` includes what installed packages add."""
        REGISTRIES.append(self)

    def add(self, entry: E, replace: bool = False) -> None:
        """Register an entry.

        A function that was typed into a session, such as a notebook's cell, replaces the earlier one of its own name.

        Args:
            entry: the entry.
            replace: whether to replace an entry of the same name.

        Raises:
            LabError: The name is taken, and `replace` is not set.
        """
        taken = self.registered.get(entry.name)
        if taken is not None and not replace and not _same_cell(entry, taken):
            raise LabError(
                f"{self.kind} '{entry.name}' ({entry.source}) is taken already, by {taken.source}; choose another "
                "name, or replace that one with replace=True"
            )
        self.registered[entry.name] = entry

    def find(self, name: str) -> E | None:
        """Look an entry up; None where there is none, in the installed packages neither.

        Raises:
            LabError: An installed package fails.
        """
        if name not in self.registered:
            entry_points.load()
        return self.registered.get(name)

    def get(self, name: str) -> E:
        """Look an entry up.

        Raises:
            LabError: There is no such entry; the message lists those that exist and the nearest one.
        """
        entry = self.find(name)
        if entry is None:
            raise LabError(unknown(self.kind, name, self.registered))
        return entry

    @property
    def entries(self) -> dict[str, E]:
        """Every entry by name, those of installed packages included.

        Raises:
            LabError: An installed package fails.
        """
        entry_points.load()
        return self.registered


def _same_cell(entry: Entry, taken: Entry) -> bool:
    """Whether both functions were typed into this session under one name: a cell was run again."""
    both = [inspect.unwrap(each.function) for each in (entry, taken)]
    if any(function.__module__ != "__main__" for function in both):
        return False
    same = both[0].__qualname__ == both[1].__qualname__
    return same and not any(Path(each.source.rpartition(":")[0]).is_file() for each in (entry, taken))


def check_name(kind: str, name: object) -> None:
    """Check that a decorator was given a name, and not the function that stands below it.

    Args:
        kind: the decorator, such as `block`.
        name: what it was given.

    Raises:
        LabError: This is no text.
    """
    if not isinstance(name, str):
        example = getattr(name, "__name__", "my_name")
        raise LabError(f'@{kind} needs the name that specs use: write @{kind}("{example}")')


@contextmanager
def temporary() -> Iterator[None]:
    """Forget afterwards what is registered inside, in every registry; for tests and notebooks.

    A file that was loaded inside is loaded again when it is needed afterwards.
    """
    entry_points.load()  # Python imports a plug-in once: its entries could not come back
    before = [(registry, dict(registry.registered)) for registry in REGISTRIES]
    files = dict(LOADED_FILES)
    try:
        yield
    finally:
        for registry, entries in before:
            registry.registered.clear()
            registry.registered.update(entries)
        LOADED_FILES.clear()
        LOADED_FILES.update(files)
