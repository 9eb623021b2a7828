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

from .. import engines, hardware
from ..files import write_json
from .trial import Job, run


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
    _report(reports, {"event": "end"})
    return 0


def _result(order: dict[str, Any], folder: Path, reports: TextIO) -> dict[str, Any]:
    config = order["config"]
    engine = engines.get(config["engine"])
    engine.use_threads(order["threads"])
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    begin = time.perf_counter()
    try:
        result = run(Job.of(config, folder, order["device"], order["measure"]), lambda event: _report(reports, event))
    except Exception as error:
        traceback.print_exc()
        status = "out_of_memory" if engine.out_of_memory(error) else "failed"
        reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
        result = {"status": status, "reason": reason, "wall_s": time.perf_counter() - begin}
    return result | _where(order, engine.packages, started)


def _where(order: dict[str, Any], packages: tuple[str, ...], started: str) -> dict[str, Any]:
    versions = {name: hardware.version(name) for name in ("resnet-lab", *packages)}
    return {
        "device": order["device"],
        "threads": int(os.environ.get("OMP_NUM_THREADS", order["threads"])),
        "started": started,
        "revision": order["revision"],
        "processor": hardware.processor(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "packages": " ".join(f"{name}={version}" for name, version in versions.items() if version),
    }


def _report(reports: TextIO, event: dict[str, Any]) -> None:
    print(json.dumps(event), file=reports, flush=True)


def _end_with_parent() -> None:
    while sys.stdin.readline():
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
