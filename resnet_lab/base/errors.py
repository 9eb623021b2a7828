"""The one exception for a person's mistakes, the place of a mistake in a person's code, and the nearest right name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class LabError(Exception):
    """A mistake in what a person wrote; the command line prints the message without a traceback.

    Attributes:
        message: what is wrong and, where it is known, the nearest right thing.
        file: the file that holds the mistake; None where the mistake is in no file.
        line: the line of the mistake, counted from 1; None where it is not known.
    """

    def __init__(self, message: str, *, file: str | Path | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line

    def at(self, file: str | Path | None, line: int | None) -> LabError:
        """Set the file and the line of the mistake, unless they are known already.

        Returns:
            The same error.
        """
        if self.file is None:
            self.file, self.line = file, line
        return self

    def __str__(self) -> str:
        where = "" if self.file is None else f"{self.file}:" + (f"{self.line}: " if self.line else " ")
        return where + self.message


def line_in(file: str | Path, error: BaseException) -> int | None:
    """Find the line of a person's file in which an error arose.

    Args:
        file: the file, as its code was compiled (`code.co_filename`).
        error: an error that was caught.

    Returns:
        The line of the innermost call that lies in the file, counted from 1; None where no call lies in the file.
    """
    line, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == str(file):
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """Write the message for a name that does not exist.

    Args:
        kind: what the name would name, such as `variant`.
        name: the name that a person wrote.
        known: the names that exist.

    Returns:
        A message such as "unknown variant 'resnet5'; did you mean 'resnet50'? (known: ...)".
    """
    names = sorted(set(known))
    nearest = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
    listed = ", ".join(names) if len(names) <= 24 else ", ".join(names[:24]) + f", ... {len(names)} in all"
    return f"unknown {kind} '{name}'{hint} (known: {listed or 'none'})"


def reason(error: BaseException) -> str:
    """An error in one line; the last line of an MXNet error says what went wrong, after a traceback of its own."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[-1] if lines and lines[0].startswith("Traceback") else "".join(lines[:1])
    name = type(error).__name__
    return text if text.startswith(name) else f"{name}: {text}"
