"""Runs one stage in this process.

Words: the module, the name of the stage, the attempt, the folder, the device, the reading of `time.monotonic` at which
the stage is ended, and `tiny` or nothing.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from .job import Job


def main(words: Sequence[str]) -> None:
    """Run the stage that the words name."""
    module, name, attempt, folder, device, until, *tiny = words
    job = Job(name, int(attempt), Path(folder), device, bool(tiny), float(until))
    importlib.import_module(module).run(job)


if __name__ == "__main__":
    main(sys.argv[1:])
