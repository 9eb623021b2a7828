"""Train one trial in several processes, one for each device, where the engine needs a process for each device.

This process starts them, passes on what the first of them reports, and ends them. It imports no framework itself.
"""

from __future__ import annotations

import json
import os
import queue
import socket
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from subprocess import Popen
from typing import Any

from .. import engines
from ..base import child_process
from ..base.errors import reason
from ..engines.contract import Rank
from ..engines.devices import single_devices
from . import loop
from .trial import Place, Trial
from .watch import Emit

_LAST_WORDS = 1.0
"""Seconds in which a process that died may become known after another has lost the connection to it."""

Reports = queue.Queue[tuple[int, dict[str, Any]]]
"""The reports of the processes, each with the number of its process."""


class ProcessDied(Exception):
    """One of the processes that train a trial has died.

    Attributes:
        status: its exit status; -N where signal N ended it.
    """

    def __init__(self, number: int, status: int) -> None:
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        super().__init__(f"process {number} of the devices ended with {how}")
        self.status = status


def run(
    trial: Trial, place: Place, folder: Path, measure: bool, emit: Emit, until: int | None = None
) -> dict[str, Any]:
    """Train and test one trial, in this process or in one process for each device.

    If a process of several fails or dies, the others are ended. They also end when this process ends.

    Args, returns and raises: as `loop.run`.

    Raises:
        ProcessDied: one of several processes has died.
        RuntimeError: there was an error in one of several processes.
        MemoryError: the memory was not sufficient for one of several processes.
    """
    count = engines.get(trial.engine).processes(place.device)
    if count == 1:
        return loop.run(trial, place, folder, measure, emit, until=until)
    threads = max(1, place.threads // count)
    address, synchronised = _free_address(), trial.train.norm == "synchronised"
    reports: Reports = queue.Queue()
    processes: list[Popen[str]] = []
    try:
        for number, device in enumerate(single_devices(place.device)):
            message = {
                "trial": trial.to_json(),
                "place": asdict(replace(place, device=device, threads=threads)),
                "folder": str(folder),
                "measure": measure,
                "rank": asdict(Rank(number, count, address, synchronised)),
                "until": until,
            }
            process = child_process.start(__name__, message, {"OMP_NUM_THREADS": str(threads)})
            processes.append(process)
            threading.Thread(target=_listen, args=(number, process, reports), daemon=True).start()
        return _result(reports, emit)
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def _free_address() -> str:
    """An address of this machine at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def _listen(number: int, process: Popen[str], reports: Reports) -> None:
    """Put the reports of a process into the queue, and at last that it has ended."""
    assert process.stdout is not None
    for line in process.stdout:
        reports.put((number, json.loads(line)))
    reports.put((number, {"event": "end", "status": process.wait()}))


def _result(reports: Reports, emit: Emit) -> dict[str, Any]:
    """Pass on the events of the first process until its result is there, and return the result."""
    while True:
        number, report = reports.get()
        if report["event"] == "result":
            if number == 0:
                columns: dict[str, Any] = report["columns"]
                return columns
        elif report["event"] == "error" or (report["event"] == "end" and report["status"]):
            raise _failure(number, report, reports)
        elif report["event"] != "end":
            emit(report)


def _failure(number: int, report: dict[str, Any], reports: Reports) -> Exception:
    """The error for a process that failed; one that died is named first, since the others lost the connection to it."""
    with suppress(queue.Empty):
        while report["event"] == "error":
            other, later = reports.get(timeout=_LAST_WORDS)
            if later["event"] == "end" and later["status"]:
                number, report = other, later
    if report["event"] == "end":
        return ProcessDied(number, report["status"])
    kind = MemoryError if report["out_of_memory"] else RuntimeError
    return kind(f"process {number} of the devices: {report['reason']}")


def main() -> int:
    """Train the part of a trial that standard input names; `run` starts this in a process of its own."""
    message, report = child_process.receive()
    trial, place, rank = Trial.from_json(message["trial"]), Place(**message["place"]), Rank(**message["rank"])
    engine = engines.get(trial.engine)
    engine.use_threads(place.threads)
    try:
        emit: Emit = report if rank.number == 0 else lambda event: None
        folder, measure, until = Path(message["folder"]), message["measure"], message["until"]
        columns = loop.run(trial, place, folder, measure, emit, rank, until)
        report({"event": "result", "columns": columns})
    except Exception as error:
        traceback.print_exc()
        report({"event": "error", "reason": reason(error), "out_of_memory": engine.out_of_memory(error)})
    sys.stderr.flush()
    os._exit(0)  # An ordinary end would wait for the other processes, which `run` ends.
