"""Registered functions: where they are written, their options, and their failures."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import LabError, line_in, unknown

if TYPE_CHECKING:
    from pydantic import TypeAdapter


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
    _adapters: dict[str, TypeAdapter[Any]] = field(default_factory=dict, init=False, repr=False, compare=False)

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
        return self.options_of(Path)

    def options_of(self, declared: Any) -> tuple[str, ...]:
        """The names of the options whose declared type is `declared`."""
        return tuple(name for name, option in self.options.items() if _declared(option) is declared)

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
        from pydantic import ValidationError

        for name, value in options.items():
            if name not in self.options:
                raise OptionError(name, unknown(f"option of {self.kind} '{self.name}':", name, [*self.options, *also]))
            try:
                self._adapter(name).validate_python(value, strict=True)
            except ValidationError as error:
                raise OptionError(
                    name, f"option '{name}' of {self.kind} '{self.name}' is {value!r}: {_requirement(error)}"
                ) from None
        for name, option in self.options.items():
            if complete and option.default is option.empty and name not in options:
                raise OptionError(None, f"{self.kind} '{self.name}' needs the option '{name}', which has no default")
        return dict(options)

    def _adapter(self, option: str) -> TypeAdapter[Any]:
        """What checks the values of an option; made once, since pydantic needs longer for that than for the check."""
        if option not in self._adapters:
            from pydantic import TypeAdapter

            declared = _declared(self.options[option])
            # A YAML file holds a string, which becomes a Path when the dataset is read.
            self._adapters[option] = TypeAdapter(str if declared is Path else declared)
        return self._adapters[option]

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
