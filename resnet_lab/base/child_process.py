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


def start(module: str, message: Any, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start a process that runs the function `main` of a module, and send it its first line.

    Python 3.11 leaves the working directory out of sys.path if PYTHONSAFEPATH is set; Python 3.10 does not know it. A
    file of the person's own that is called random.py must not be imported in the place of Python's module.

    Args:
        module: the name of the module; the exit status is what its `main` returns.
        message: a JSON value.
        environment: variables in addition to those of this process.
    """
    code = (
        f"import sys; sys.path[:] = [place for place in sys.path if place]; from {module} import main; sys.exit(main())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONSAFEPATH": "1", **environment},
    )
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # The process has ended already, as its exit status says.
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
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
