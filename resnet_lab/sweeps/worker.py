"""A worker: runs the one trial that a line on its standard input names, and reports in lines on its standard output.

The input stays open while the parent process lives; when the input ends, the worker ends.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from typing import Any, TextIO

from .. import engines
from ..base.files import write_json
from ..base.other_load import OtherLoad
from ..results.trial_folder import DONE, RESULT
from ..training.checkpoint import CHECKPOINT
from ..training.loop import run
from ..training.provenance import now, where
from .executors import Work


def main() -> int:
    """Run the trial that standard input names; returns 0 when its result is written."""
    reports = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print goes to the log
    line = sys.stdin.readline()
    if not line:
        return 1
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work = Work.from_json(json.loads(line))
    result = _result(work, reports)
    write_json(work.folder / RESULT, work.trial.labels() | result)
    if result["status"] in DONE:
        (work.folder / CHECKPOINT).unlink(missing_ok=True)
    return 0


def _result(work: Work, reports: TextIO) -> dict[str, Any]:
    """Run the trial; an error becomes a result with the status `failed` or `out_of_memory`."""
    engine = engines.get(work.trial.engine)
    engine.use_threads(work.place.threads)
    started, begin, load = now(), time.perf_counter(), OtherLoad()
    try:
        result = run(work.trial, work.place, work.folder, work.measure, lambda event: _report(reports, event))
    except Exception as error:
        traceback.print_exc()
        status = "out_of_memory" if engine.out_of_memory(error) else "failed"
        result = {"status": status, "reason": reason(error), "wall_s": time.perf_counter() - begin}
    return result | where(work.place, work.revision, engine.packages, started, load.cores())


def reason(error: BaseException) -> str:
    """An error in one line; the last line of an MXNet error says what went wrong, after a traceback of its own."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[-1] if lines and lines[0].startswith("Traceback") else "".join(lines[:1])
    name = type(error).__name__
    return text if text.startswith(name) else f"{name}: {text}"


def _report(reports: TextIO, event: dict[str, Any]) -> None:
    print(json.dumps(event), file=reports, flush=True)


def _end_with_parent() -> None:
    while sys.stdin.readline():
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
