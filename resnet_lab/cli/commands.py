"""The registry of commands."""

from __future__ import annotations

import keyword

COMMANDS = tuple("init list describe try run status compare report bench predict evaluate export doctor data".split())
"""The commands, in the order in which `resnet-lab --help` lists them.

Each has a module of this room (`module_of`). The module defines either `command`, a function whose parameters are the
command's arguments and options, or `app`, a `typer.Typer` with commands of its own. Every command is imported for
`resnet-lab --help`, so a module imports what it works with (NumPy, pandas, an engine) inside its function.
"""


def module_of(command: str) -> str:
    """The name of a command's module: Python has no module called `try`, so that module is `try_`."""
    return f"{command}_" if keyword.iskeyword(command) else command
