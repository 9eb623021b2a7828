"""The registry of commands."""

from __future__ import annotations

COMMANDS = ("list", "describe", "run", "compare", "predict", "evaluate", "export", "doctor", "data")
"""The commands, in the order in which `resnet-lab --help` lists them.

Each is the name of a module of this room. The module defines either `command`, a function whose parameters are the
command's arguments and options, or `app`, a `typer.Typer` with commands of its own. Every command is imported for
`resnet-lab --help`, so a module imports what it works with (NumPy, pandas, an engine) inside its function.
"""
