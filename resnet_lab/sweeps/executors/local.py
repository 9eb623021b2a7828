"""Runs trials on this machine, one after another, each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from . import Ended, Event, Work
from .oom import kills

# Python 3.11 leaves the working directory out of sys.path if PYTHONSAFEPATH is set; Python 3.10 does not know it. A
# file of the person's own that is called random.py must not be imported in the place of Python's module.
COMMAND = (
    "import sys; sys.path[:] = [place for place in sys.path if place]; "
    "from resnet_lab.sweeps.worker import main; sys.exit(main())"
)
"""What a worker's interpreter runs: without the working directory, but with PYTHONPATH, on its path."""


class Local:
    """One worker process at a time.

    Args:
        threads: the number of CPU threads that a worker uses, whatever OMP_NUM_THREADS says; None leaves the choice to
            the variable and to the place of the trial.
    """

    capacity = 1

    def __init__(self, threads: int | None = None) -> None:
        self._environment = {"PYTHONSAFEPATH": "1"}  # also for the processes that the worker starts
        if threads is not None:
            self._environment["OMP_NUM_THREADS"] = str(threads)
        self._work: Work | None = None
        self._process: subprocess.Popen[str] | None = None
        self._kills: dict[str, int] = {}

    def start(self, work: Work) -> None:
        """Start a worker and give it the trial; what the worker prints goes to the trial's log.txt."""
        self._kills = kills()
        with _log(work).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", COMMAND],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C reaches this process alone, which then ends its worker
                env=os.environ | self._environment,
            )
        self._work, self._process = work, process
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(work.to_json()) + "\n")
            process.stdin.flush()

    def next(self) -> Event | Ended:
        """Wait for a report of the worker, or for its end."""
        work, process = self._work, self._process
        assert work is not None
        assert process is not None
        assert process.stdout is not None
        line = process.stdout.readline()
        if line:
            return Event(work, json.loads(line))
        status, reason = death(self._end(), _log(work), self._kills, kills())
        return Ended(work, status, reason)

    def stop(self) -> None:
        """End the worker, which ends itself when its input ends."""
        if self._process is not None:
            self._end()

    def _end(self) -> int:
        """Wait for the worker's end; returns its exit status."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.close()
        code = process.wait()
        self._process = None
        return code


def _log(work: Work) -> Path:
    return work.folder / "log.txt"


def death(code: int, log: Path, before: dict[str, int], after: dict[str, int]) -> tuple[str, str]:
    """The status and the reason of a worker that ended without a result.

    Signal 9 alone is no evidence that memory ran out: a person sends it too. The status is `out_of_memory` only where
    the kernel has counted a process that it killed for memory meanwhile.

    Args:
        code: the worker's exit status; -N where signal N ended it.
        log: the worker's log, for the message.
        before: the kernel's counters, as `oom.kills` gives them, when the worker began.
        after: the same when it had ended.

    Returns:
        The status and the reason; two empty texts for exit status 0.
    """
    if code == 0:
        return "", ""
    if code == -signal.SIGKILL:
        if any(count > before.get(name, count) for name, count in after.items()):
            return "out_of_memory", f"the kernel killed the worker (signal 9), since memory ran out; see {log}"
        return "failed", f"the worker was killed by signal 9, though the kernel reports no lack of memory; see {log}"
    how = f"signal {-code}" if code < 0 else f"exit status {code}"
    return "failed", f"the worker ended with {how}; see {log}"
