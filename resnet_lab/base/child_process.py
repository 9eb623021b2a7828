"""Processes that this package starts and that talk in lines: JSON on their standard input and standard output.

The input of a process stays open while its parent lives. When the input ends, the process ends itself, so that nothing
is left behind however the parent ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

Report = Callable[[dict[str, Any]], None]
"""Writes a report as one line."""


def command(module: str) -> list[str]:
    """The command line of an interpreter that runs the function `main` of a module, and ends with what it returns.

    Python 3.11 leaves the working directory out of sys.path if PYTHONSAFEPATH is set; Python 3.10 does not know it. A
    file of the person's own that is called random.py must not be imported in the place of Python's module.
    """
    code = (
        f"import sys; sys.path[:] = [place for place in sys.path if place]; from {module} import main; sys.exit(main())"
    )
    return [sys.executable, "-c", code]


def launch(module: str, environment: Mapping[str, str], **options: Any) -> subprocess.Popen[str]:
    """Start a process that runs the function `main` of a module.

    Args:
        module: the name of the module.
        environment: variables in addition to those of this process.
        options: further arguments of `subprocess.Popen`.
    """
    return subprocess.Popen(
        command(module),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONSAFEPATH": "1", **environment},  # also for the processes that it starts
        **options,
    )


def send(process: subprocess.Popen[str], message: Any) -> None:
    """Send a process a JSON value as one line; the end of a process that has ended already tells what went wrong."""
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()


def start(module: str, message: Any, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start a process as `launch` does, and send it its first line, which `receive` reads."""
    process = launch(module, environment)
    send(process, message)
    return process


def receive() -> tuple[Any, Report]:
    """Read the first line in a process that `start` started, and let the process end when its input ends.

    What libraries print goes to the standard error from now on, and so to the log of the parent.

    Returns:
        The message, and the function that writes reports to the parent.
    """
    output = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    message = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    return message, lambda report: print(json.dumps(report), file=output, flush=True)


def _end_with_parent() -> None:
    while sys.stdin.readline():
        pass
    os._exit(1)
