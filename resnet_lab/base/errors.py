"""The one exception for a person's mistakes, and the nearest right name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class LabError(Exception):
    """Something a person gave us is wrong; the command line prints it without a traceback.

    Attributes:
        message: what is wrong and, where known, the nearest right thing.
        file, line: where the mistake stands (line counts from 1); None where there is no file.
    """

    def __init__(self, message: str, *, file: str | Path | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line

    def at(self, file: str | Path | None, line: int | None) -> LabError:
        """Say where the mistake stands, unless that is known already; returns self."""
        if self.file is None:
            self.file, self.line = file, line
        return self

    def __str__(self) -> str:
        where = "" if self.file is None else f"{self.file}:" + (f"{self.line}: " if self.line else " ")
        return where + self.message


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """'unknown KIND NAME; did you mean X? (known: ...)', the message for a name that is not there."""
    names = sorted(set(known))
    nearest = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
    listed = ", ".join(names) if len(names) <= 24 else ", ".join(names[:24]) + f", ... {len(names)} in all"
    return f"unknown {kind} '{name}'{hint} (known: {listed or 'none'})"
