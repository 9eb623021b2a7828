"""Named functions with checked options: what block, stem and dataset registries share."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import LabError, unknown


@dataclass(frozen=True)
class Entry:
    """A registered function: its options are its keyword parameters beyond the `given` ones."""

    kind: str
    name: str
    function: Callable[..., Any]
    given: tuple[str, ...] = ()
    home: str = field(default="", kw_only=True)
    """The file of a person's own that registered it."""

    @property
    def source(self) -> str:
        """File and line of the function, or of the class."""
        function = inspect.unwrap(self.function)
        if isinstance(function, type):
            try:
                return f"{inspect.getfile(function)}:{inspect.getsourcelines(function)[1]}"
            except (TypeError, OSError):  # typed into a session
                return f"{function.__module__}.{function.__qualname__}:1"
        code = function.__code__
        return f"{code.co_filename}:{code.co_firstlineno}"

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def options(self) -> dict[str, inspect.Parameter]:
        """Its options by name, in the order of the signature."""
        parameters = inspect.signature(self.function).parameters.values()
        return {
            parameter.name: parameter
            for parameter in parameters
            if parameter.name not in self.given
            and parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        }

    @property
    def file_options(self) -> tuple[str, ...]:
        """The options that name a file or a folder: those whose declared type is `Path`."""
        return tuple(name for name, option in self.options.items() if self._annotation(option) is Path)

    def check(self, options: Mapping[str, Any], also: tuple[str, ...] = (), *, complete: bool = True) -> dict[str, Any]:
        """The options, checked by name and by the type that the signature gives each.

        Args:
            also: names that are right in the same place, for the hint.
            complete: whether an option without a default has to be among them.

        Raises:
            OptionError: one that the function does not take, of another type, or missing.
        """
        from pydantic import TypeAdapter, ValidationError

        known = self.options
        for name, value in options.items():
            if name not in known:
                raise OptionError(name, unknown(f"option of {self.kind} '{self.name}':", name, [*known, *also]))
            annotation = self._annotation(known[name])
            if annotation is Path:
                annotation = str  # as YAML has it; `Source` makes a Path of it
            try:
                TypeAdapter(annotation).validate_python(value, strict=True)
            except ValidationError as error:
                raise OptionError(
                    name, f"option '{name}' of {self.kind} '{self.name}' is {value!r}: " + _requirement(error)
                ) from None
        for name, parameter in known.items():
            if complete and parameter.default is parameter.empty and name not in options:
                raise OptionError(None, f"{self.kind} '{self.name}' needs the option '{name}'")
        return dict(options)

    def _annotation(self, parameter: inspect.Parameter) -> Any:
        """The type of an option: as annotated, else its default's; anything where neither tells."""
        annotation = parameter.annotation
        if isinstance(annotation, str):  # under `from __future__ import annotations`
            try:
                home = vars(sys.modules[inspect.unwrap(self.function).__module__])
                annotation = eval(annotation, {**vars(typing), **home})
            except (NameError, KeyError):
                annotation = parameter.empty
        if annotation is not parameter.empty:
            return annotation
        return Any if parameter.default in (None, parameter.empty) else type(parameter.default)


class OptionError(LabError):
    """An option that does not fit; `option` is its name, None where one is missing."""

    def __init__(self, option: str | None, message: str) -> None:
        super().__init__(message)
        self.option = option


def _requirement(error: Any) -> str:
    """What pydantic asked for, as one clause."""
    parts = []
    for detail in error.errors():
        parts.append(detail["msg"].replace("Input should be", "it should be"))
    return " or ".join(dict.fromkeys(parts))


class Registry:
    """Entries of one kind by name; a name taken twice is an error."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.entries: dict[str, Any] = {}

    def add(self, entry: Any, replace: bool = False) -> None:
        """Enter an `Entry`.

        Raises:
            LabError: the name is taken by another and `replace` is not set.
        """
        taken = self.entries.get(entry.name)
        if taken is not None and not replace:
            raise LabError(
                f"{self.kind} '{entry.name}' ({entry.source}) is taken already, by {taken.source}; choose another name"
            )
        self.entries[entry.name] = entry

    def get(self, name: str) -> Any:
        """The entry of that name.

        Raises:
            LabError: there is none; the message lists those that are there and the nearest.
        """
        if name not in self.entries:
            raise LabError(unknown(self.kind, name, self.entries))
        return self.entries[name]

    @contextmanager
    def temporary(self) -> Iterator[None]:
        """What is registered inside is forgotten afterwards; for tests and notebooks."""
        before = dict(self.entries)
        try:
            yield
        finally:
            self.entries.clear()
            self.entries.update(before)


DATASETS = Registry("dataset")
"""Here, and not in data/, so that plugins.py can take a file's datasets back without loading NumPy."""
