"""The command line: the app is built from the registry of commands, and every error becomes one message."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from .. import __version__
from ..base.errors import LabError
from .commands import COMMANDS, module_of
from .options import STOPPED


def build(commands: Iterable[str] = COMMANDS) -> typer.Typer:
    """Build the command-line app from some of the registered commands; from all of them unless some are named."""
    app = typer.Typer(
        name="resnet-lab",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Find out whether an idea about residual networks is any good.\n\n"
        "Register a block, name it in a stage spec, run an experiment, and compare the results in a table.",
    )
    app.callback()(_common)
    for name in commands:
        module = importlib.import_module(f".{module_of(name)}", __package__)
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name, cls=getattr(module, "Command", None))(module.command)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        print(f"resnet-lab {__version__}")
        raise typer.Exit


def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line.

    A person's mistake (`LabError`) becomes one message on standard error and the exit status 2.
    """
    # Looking for pydantic's plug-ins would import importlib.metadata, a twentieth of the time that `describe` takes.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        try:
            build([word] if word in COMMANDS else COMMANDS)()  # the modules of the other commands are not imported
        except SystemExit as end:
            if isinstance(end.__context__, BrokenPipeError):  # typer turns a closed pipe into exit status 1
                raise BrokenPipeError from None
            # The interpreter would flush at exit, too late for the handler of BrokenPipeError below.
            sys.stdout.flush()
            raise
    except LabError as error:
        print(f"resnet-lab: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the program that reads our output has ended, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
