"""Runs trials on this machine, in worker processes that each run one trial after another."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...base import child_process
from ...results.trial_folder import LOG
from . import Ended, Event, Work
from .oom import kills
from .slots import Slot

_WORKER = "resnet_lab.sweeps.worker"

_PATIENCE = 5.0
"""How many seconds a worker has to end itself, before it is killed."""


class Local:
    """Worker processes on this machine, one in each slot.

    A worker is kept for further trials of the same engine, since importing a framework takes longer than a short trial.
    It is replaced when it has died, when a trial needs another engine, and when its memory has grown (see worker.py).

    Args:
        slots: the parts of the machine, one for each trial that runs at once.
    """

    def __init__(self, slots: Sequence[Slot] = (Slot(),)) -> None:
        self._slots = slots
        self._workers: dict[int, _Worker] = {}
        self._reports: queue.SimpleQueue[tuple[_Worker, str]] = queue.SimpleQueue()

    @property
    def capacity(self) -> int:
        """How many trials can run at once."""
        return len(self._slots)

    def start(self, work: Work) -> None:
        """Give the trial to an idle worker of its engine, or to a new one; its log is log.txt in its folder."""
        index = self._choose(work.trial.engine)
        work = replace(work, place=self._slots[index].placed(work.place))
        worker = self._workers.get(index)
        if worker is None or worker.engine != work.trial.engine or worker.has_ended():
            if worker is not None:
                worker.close()
                worker.wait()
            worker = self._workers[index] = _Worker(work, self._slots[index], self._reports)
        worker.give(work)
        self._reports.put((worker, json.dumps({"event": "started"})))

    def next(self, timeout: float | None = None) -> Event | Ended | None:
        """Wait for a report of a worker, or for the end of one."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                worker, line = self._reports.get(timeout=None if end is None else max(0.0, end - time.monotonic()))
            except queue.Empty:
                return None
            report = self._understood(worker, line)
            if report is not None:
                return report

    def end(self, trial: str) -> None:
        """Kill the worker of a trial."""
        for worker in self._workers.values():
            if worker.work is not None and worker.work.trial.id == trial:
                worker.kill()

    def stop(self) -> None:
        """End all workers: they end themselves when their input ends, and are killed if they do not, or at Ctrl-C."""
        workers = list(self._workers.values())
        self._workers.clear()
        try:
            for worker in workers:
                worker.close()
            end = time.monotonic() + _PATIENCE
            for worker in workers:
                worker.wait(max(0.0, end - time.monotonic()))
        finally:
            for worker in workers:
                worker.kill()
                worker.work = None

    def _choose(self, engine: str) -> int:
        """The free slot with an idle worker of this engine; else one without a worker; else any free one."""
        free = [index for index in range(len(self._slots)) if not self._is_busy(index)]
        return min(free, key=lambda index: self._cost(index, engine))

    def _is_busy(self, index: int) -> bool:
        worker = self._workers.get(index)
        return worker is not None and worker.work is not None

    def _cost(self, index: int, engine: str) -> int:
        worker = self._workers.get(index)
        return 1 if worker is None else 0 if worker.engine == engine else 2

    def _understood(self, worker: _Worker, line: str) -> Event | Ended | None:
        """A line that a worker printed, or '' for its end, as a report; None where it concerns no trial."""
        work = worker.work
        if not line:
            status, reason = worker.death()
            for index, known in list(self._workers.items()):
                if known is worker:
                    del self._workers[index]
            return Ended(work, status, reason) if work is not None else None
        if work is None:
            return None
        content: dict[str, Any] = json.loads(line)
        if content["event"] == "dies":
            worker.last_words = content["status"], content["reason"]
            return None
        if content["event"] == "ended":
            worker.work = None
            return Ended(work)
        return Event(work, content)


class _Worker:
    """A worker process.

    Attributes:
        engine: the engine of its trials; a process holds one framework.
        work: the trial that it runs; None where it is idle.
        last_words: the status and the reason that it reported before it ended itself; two empty texts at first.
    """

    engine: str
    work: Work | None
    last_words: tuple[str, str]

    def __init__(self, work: Work, slot: Slot, reports: queue.SimpleQueue[tuple[_Worker, str]]) -> None:
        self.engine, self.work, self.last_words = work.trial.engine, None, ("", "")
        self._reports = reports
        environment = {} if slot.threads is None else {"OMP_NUM_THREADS": str(slot.threads)}
        with (work.folder / LOG).open("ab") as log:
            # In a session of its own: Ctrl-C reaches this process alone, which then ends its workers.
            self._process = child_process.launch(_WORKER, environment, stderr=log, start_new_session=True)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        """Pass on each line that the process prints, and an empty one when it has ended."""
        assert self._process.stdout is not None
        with suppress(ValueError):  # the pipe was closed meanwhile
            for line in self._process.stdout:
                self._reports.put((self, line))
        self._reports.put((self, ""))

    def give(self, work: Work) -> None:
        """Begin a trial; a process that has died already is noticed by its end."""
        self.work, self._log, self._kills = work, work.folder / LOG, kills()
        child_process.send(self._process, work.to_json())

    def death(self) -> tuple[str, str]:
        """The status and the reason of a process whose output has ended."""
        self.close()
        code = self.wait(_PATIENCE)
        if code is None:
            self.kill()
            code = self.wait()
        if any(self.last_words):
            return self.last_words
        return death(code or 0, self._log, self._kills, kills())

    def close(self) -> None:
        """End the process's input, at which it ends itself."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the end of the process; returns its exit status, or None where it goes on."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """Kill the process, and those that it started, unless it has ended."""
        if not self.has_ended():
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def death(code: int, log: Path, before: dict[str, int], after: dict[str, int]) -> tuple[str, str]:
    """The status and the reason of a worker that ended without a result.

    Signal 9 alone is no evidence that memory ran out: a person sends it too. The status is `out_of_memory` only where
    the kernel has counted a process that it killed for memory meanwhile.

    Args:
        code: the worker's exit status; -N where signal N ended it.
        log: the worker's log, for the message.
        before: the kernel's counters, as `oom.kills` gives them, when the worker began the trial.
        after: the same when it had ended.

    Returns:
        The status and the reason.
    """
    if code == -signal.SIGKILL:
        if any(count > before.get(name, count) for name, count in after.items()):
            return "out_of_memory", f"the kernel killed the worker (signal 9), since memory ran out; see {log}"
        return "failed", f"the worker was killed by signal 9, though the kernel reports no lack of memory; see {log}"
    how = f"signal {-code}" if code < 0 else f"exit status {code}"
    return "failed", f"the worker ended with {how}; see {log}"
