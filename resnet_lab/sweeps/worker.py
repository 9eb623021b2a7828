"""A worker: runs one trial, told by one line on its standard input, and reports in lines on its standard output.

The input stays open while its parent lives; when it ends, so does the worker.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

from .. import engines
from ..base.files import write_json
from ..results.store import DONE
from ..training.loop import CHECKPOINT, run
from ..training.provenance import now, where
from ..training.trial import Place, Trial


def main() -> int:
    """Run the trial that standard input names; 0 when its result is written."""
    reports = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print goes to the log
    line = sys.stdin.readline()
    if not line:
        return 1
    threading.Thread(target=_end_with_parent, daemon=True).start()
    order = json.loads(line)
    folder = Path(order["folder"])
    result = _result(order, folder, reports)
    write_json(folder / "result.json", result)
    if result["status"] in DONE:
        (folder / CHECKPOINT).unlink(missing_ok=True)
    _report(reports, {"event": "end"})
    return 0


def _result(order: dict[str, Any], folder: Path, reports: TextIO) -> dict[str, Any]:
    trial, place = Trial.from_json(order["trial"]), Place(**order["place"])
    engine = engines.get(trial.engine)
    engine.use_threads(place.threads)
    started, begin = now(), time.perf_counter()
    try:
        result = run(trial, place, folder, order["measure"], lambda event: _report(reports, event))
    except Exception as error:
        traceback.print_exc()
        status = "out_of_memory" if engine.out_of_memory(error) else "failed"
        result = {"status": status, "reason": reason(error), "wall_s": time.perf_counter() - begin}
    return result | where(place, order["revision"], engine.packages, started)


def reason(error: BaseException) -> str:
    """An error in one line; MXNet's carry a traceback of its own, whose last line tells."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = lines[-1] if lines and lines[0].startswith("Traceback") else "".join(lines[:1])
    name = type(error).__name__
    return told if told.startswith(name) else f"{name}: {told}"


def _report(reports: TextIO, event: dict[str, Any]) -> None:
    print(json.dumps(event), file=reports, flush=True)


def _end_with_parent() -> None:
    while sys.stdin.readline():
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
