"""Passes the events of a sweep to a tracker, in a thread of its own, so that a slow tracker delays no trial."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

from ...base.errors import LabError, reason
from .registry import Maker, Tracker

Call = Callable[[Tracker], None]


class Feed:
    """A queue of calls, and the thread that makes them.

    After the first error the tracker is off: further calls are dropped.

    Args:
        name: the name of the tracker, for messages.
        make: makes the tracker; called in the thread, since importing its package may take seconds.
    """

    def __init__(self, name: str, make: Maker) -> None:
        self.name = name
        self._make = make
        self._problem = ""
        self._queue: SimpleQueue[Call | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def put(self, call: Call) -> None:
        """Have a call made later; this returns at once. The first call starts the thread."""
        if self._problem:
            return
        self._queue.put(call)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=f"tracker {self.name}", daemon=True)
            self._thread.start()

    def close(self, patience: float) -> None:
        """Close the tracker after the calls that wait.

        Args:
            patience: the seconds after which a tracker that has not written all is given up.
        """
        if self._thread is None:
            return
        self._queue.put(None)
        self._thread.join(patience)
        if self._thread.is_alive():
            self._problem = self._problem or f"it had not written everything {patience:g} s after the last trial"

    def take_problem(self) -> str:
        """What went wrong, once as one sentence; '' at all other times."""
        problem, self._problem = self._problem, " " if self._problem else ""
        return f"the tracker '{self.name}' is off: {problem}" if problem.strip() else ""

    def _work(self) -> None:
        try:
            tracker = self._make()
            while (call := self._queue.get()) is not None:
                call(tracker)
            tracker.close()
        except Exception as error:  # whatever a tracker's package raises must not end the sweep
            self._problem = error.message if isinstance(error, LabError) else reason(error)
