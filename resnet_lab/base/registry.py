"""Registries: functions that people add by name, such as blocks and datasets, and their options.

A registry holds the entries of one kind. `REGISTRIES` lists every registry, so that a file or an installed package can
add entries of any kind (specs/plugins.py, entry_points.py).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from . import entry_points
from .errors import LabError, line_in, unknown


class OptionError(LabError):
    """An option that does not fit a function.

    Attributes:
        option: the name of the option; None where an option is missing.
    """

    def __init__(self, option: str | None, message: str) -> None:
        super().__init__(message)
        self.option = option


@dataclass(frozen=True)
class Entry:
    """A registered function.

    Attributes:
        kind: what the function is, such as `block`.
        name: the name that specs use.
        function: the function or the class.
        given: parameters that the framework passes; every other keyword parameter is an option.
        home: the person's file that registered the function; '' for ours and for those of installed packages.
    """

    kind: str
    name: str
    function: Callable[..., Any]
    given: tuple[str, ...] = ()
    home: str = field(default="", kw_only=True)

    @property
    def source(self) -> str:
        """File and line of the function or the class, as `FILE:LINE`."""
        file, line = _definition(self.function)
        return f"{file}:{line}"

    @property
    def is_own(self) -> bool:
        """Whether the function is part of this package."""
        return self.function.__module__.partition(".")[0] == __package__.partition(".")[0]

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @cached_property
    def options(self) -> dict[str, inspect.Parameter]:
        """The options by name, in the order of the signature; their annotations are types, not strings."""
        return {
            parameter.name: parameter
            for parameter in _signature(self.function).parameters.values()
            if parameter.name not in self.given
            and parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        }

    @property
    def file_options(self) -> tuple[str, ...]:
        """The options that name a file or a folder: those whose declared type is `Path`."""
        return tuple(name for name, option in self.options.items() if _declared(option) is Path)

    def check(self, options: Mapping[str, Any], also: tuple[str, ...] = (), *, complete: bool = True) -> dict[str, Any]:
        """Check options by their names and by the types that the signature declares.

        Args:
            options: the values by name.
            also: other keys that are right in the same place of a spec; the message for a wrong name lists them too.
            complete: whether every option without a default has to be given.

        Returns:
            The options.

        Raises:
            OptionError: The function does not take an option, an option has another type, or one is missing.
        """
        from pydantic import TypeAdapter, ValidationError

        for name, value in options.items():
            if name not in self.options:
                raise OptionError(name, unknown(f"option of {self.kind} '{self.name}':", name, [*self.options, *also]))
            declared = _declared(self.options[name])
            if declared is Path:
                declared = str  # a YAML file holds a string, which becomes a Path when the dataset is read
            try:
                TypeAdapter(declared).validate_python(value, strict=True)
            except ValidationError as error:
                raise OptionError(
                    name, f"option '{name}' of {self.kind} '{self.name}' is {value!r}: {_requirement(error)}"
                ) from None
        for name, option in self.options.items():
            if complete and option.default is option.empty and name not in options:
                raise OptionError(None, f"{self.kind} '{self.name}' needs the option '{name}'")
        return dict(options)

    def place(self, error: BaseException, function: Callable[..., Any] | None = None) -> tuple[str, int]:
        """File and line where an error arose in a person's function, or where the function begins.

        Args:
            error: the error that was caught.
            function: the function that failed, where it is not the registered one.
        """
        file, line = _definition(function or self.function)
        return file, line_in(file, error) or line

    def failure(self, error: Exception, function: Callable[..., Any] | None = None) -> LabError:
        """Turn an error in a person's function into a message with file and line; see `place` for the arguments."""
        file, line = self.place(error, function)
        return LabError(f"{self.kind} '{self.name}' fails: {type(error).__name__}: {error}", file=file, line=line)


def _definition(function: Callable[..., Any]) -> tuple[str, int]:
    """File and line where a function or a class begins."""
    function = inspect.unwrap(function)
    if isinstance(function, type):
        try:
            return inspect.getfile(function), inspect.getsourcelines(function)[1]
        except (TypeError, OSError):  # a class that was typed into a session
            return f"{function.__module__}.{function.__qualname__}", 1
    code = function.__code__
    return code.co_filename, code.co_firstlineno


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """The signature with types for annotations; a name that was imported for type checkers only counts as any type."""
    missing: dict[str, Any] = {}
    while True:
        try:
            return inspect.signature(function, eval_str=True, locals=missing)
        except NameError as error:
            if not error.name or error.name in missing:
                raise
            missing[error.name] = Any


def _declared(option: inspect.Parameter) -> Any:
    """The type of an option: its annotation, else the type of its default; any type where both are missing."""
    if option.annotation is not option.empty:
        return option.annotation
    return Any if option.default in (None, option.empty) else type(option.default)


def _requirement(error: Any) -> str:
    """What pydantic demands of a value, as one clause."""
    demands = [detail["msg"].replace("Input should be", "it should be") for detail in error.errors()]
    return " or ".join(dict.fromkeys(demands))


E = TypeVar("E", bound=Entry)

REGISTRIES: list[Registry[Any]] = []
"""Every registry, in the order in which they were made."""

LOADED_FILES: dict[Path, str] = {}
"""Each person's file that has run, and the hash of its content at that time."""


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
