"""The command line: one module a command, and how things look on a terminal."""

from .app import main

__all__ = ["main"]
