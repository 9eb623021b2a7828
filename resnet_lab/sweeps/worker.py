"""A worker: runs the trials that lines on its standard input name, and reports in lines on its standard output.

The input stays open while the parent process lives; when the input ends, the worker ends.
"""

from __future__ import annotations

import gc
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NoReturn

from .. import engines
from ..base import hardware
from ..base.errors import reason
from ..base.files import write_json
from ..base.other_load import OtherLoad
from ..engines.contract import Engine
from ..results.trial_folder import DONE, LOG, RESULT
from ..training.checkpoint import CHECKPOINT
from ..training.group import ProcessDied, run
from ..training.provenance import now, where
from ..training.trial import Place
from .executors import Work

Report = Callable[[Mapping[str, Any]], None]
"""Called with each event of a trial, from any thread."""

_LARGE = {"cpu": 2 << 30, "gpu": 6 << 30}
"""A worker whose resident memory in bytes is larger than this after a trial on such a device ends, and is replaced.

The driver and the libraries of a GPU alone may take more than 2 GiB, and then each trial would start PyTorch anew.
"""

_WATCH_EVERY = 0.1
"""The seconds between two looks at the memory of a trial that has a limit."""


def main() -> NoReturn:
    """Run trials until standard input ends, and then end this process."""
    report = _reporter(os.dup(1))
    os.dup2(2, 1)  # what libraries print goes to the log
    inbox: queue.SimpleQueue[str] = queue.SimpleQueue()
    busy = threading.Event()
    threading.Thread(target=_read, args=(inbox, busy), daemon=True).start()
    is_first = True
    while line := inbox.get():
        work = Work.from_json(json.loads(line))
        _log_into(work)
        device = perform(work, report)
        if is_first:
            # What the import of a framework has made stays. To search it for garbage after each trial takes 0.13 s.
            gc.freeze()
            is_first = False
        is_large = hardware.resident() > _LARGE[device[:3]]
        busy.clear()
        report({"event": "ended"})
        if is_large:
            break
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # An ordinary end takes half a second or more: Python would take the framework to pieces first.


def perform(work: Work, report: Report) -> str:
    """Run one trial in this process, and write its result into its folder; returns the device, as `gpu:0`.

    An error becomes a result with the status `failed` or `out_of_memory`. A trial that exceeds its memory ends this
    process, after a report of the event `dies` with the status and the reason.
    """
    over = threading.Event()
    if work.memory is not None:
        threading.Thread(target=_watch_memory, args=(work.memory, over, report), daemon=True).start()
    try:
        result = _result(work, report)
    finally:
        over.set()
    write_json(work.folder / RESULT, work.trial.labels() | result)
    if result["status"] in DONE:
        (work.folder / CHECKPOINT).unlink(missing_ok=True)
    return str(result["device"])


def _result(work: Work, report: Report) -> dict[str, Any]:
    """Run the trial; an error becomes a result with the status `failed` or `out_of_memory`."""
    engine = engines.get(work.trial.engine)
    engine.use_threads(work.place.threads)
    hardware.forget_peak()
    place = work.place
    started, begin, load = now(), time.perf_counter(), OtherLoad()
    try:
        place = _settled(engine, place)
        result = run(work.trial, place, work.folder, work.measure, report, work.until)
    except ProcessDied as error:
        print(error, file=sys.stderr, flush=True)
        _die(error.status)
    except Exception as error:
        traceback.print_exc()
        status = "out_of_memory" if engine.out_of_memory(error) else "failed"
        result = {"status": status, "reason": reason(error), "wall_s": time.perf_counter() - begin}
    engine.clean_up()
    place = replace(place, compile=result.get("compile", place.compile))  # The training states another if it fell back.
    return result | where(place, work.revision, engine.packages, started, load.cores())


def _settled(engine: Engine, place: Place) -> Place:
    """The place with the device and the compile mode that `auto` and `gpu` mean on this machine; see Need.place."""
    if place.device in ("auto", "gpu"):
        place = replace(place, device=engine.device(place.device)[0])
    if place.compile == "auto":
        place = replace(place, compile=engine.compiling("auto", place.device)[0])
    return place


def _reporter(descriptor: int) -> Report:
    """A function that writes events to a file descriptor, a line each."""
    stream = os.fdopen(descriptor, "w", buffering=1)
    lock = threading.Lock()

    def report(event: Mapping[str, Any]) -> None:
        with lock:
            print(json.dumps(event), file=stream, flush=True)

    return report


def _die(status: int) -> NoReturn:
    """End this process as a process of its trial has ended: to the sweep, both are one worker.

    Args:
        status: an exit status; -N for signal N.
    """
    if status < 0:
        os.kill(os.getpid(), -status)
    os._exit(1)


def _log_into(work: Work) -> None:
    """Let what this process and its libraries print go to the log of the trial."""
    sys.stdout.flush()
    sys.stderr.flush()
    log = os.open(work.folder / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def _read(inbox: queue.SimpleQueue[str], busy: threading.Event) -> None:
    """Put each line of standard input into the inbox; at the end of the input, end a process that runs a trial."""
    for line in sys.stdin:
        busy.set()
        inbox.put(line)
    if busy.is_set():
        os._exit(1)
    inbox.put("")


def _watch_memory(limit: int, over: threading.Event, report: Report) -> None:
    """End this process when it and the processes that it started use more memory than a limit in bytes."""
    while not over.wait(_WATCH_EVERY):
        used = hardware.resident_with_children()
        if used > limit:
            told = f"the trial used {used / 2**20:.0f} MiB, more than 'limits.memory' ({limit / 2**20:.0f} MiB)"
            report({"event": "dies", "status": "out_of_memory", "reason": told})
            os._exit(1)


if __name__ == "__main__":
    main()
