"""How many processor cores other programs use: times that are measured meanwhile are not those of a quiet machine."""

from __future__ import annotations

import os
import time

BUSY = 0.5
"""The number of cores in use by others above which the machine counts as busy."""

_AGAIN = 0.5
"""How many seconds the second measurement of a busy machine takes."""


class OtherLoad:
    """Measures, from its making on, the cores that other programs use on average.

    Only the cores that this process may use count. The time of this process and of its children is taken off, and the
    time that a hypervisor gives to other machines counts. In a container, the processes outside it count, too.
    """

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._others = _seconds_of_others()

    def cores(self) -> float:
        """The mean number of cores in use by others since the measurement began."""
        elapsed = time.perf_counter() - self._start
        return max(0.0, _seconds_of_others() - self._others) / max(elapsed, 1e-9)

    def warning(self) -> str:
        """A warning in one line if the machine is busy; empty otherwise.

        A short measurement may have met a program that was about to end, so a busy machine is measured once more.
        """
        cores = self.cores()
        if cores > BUSY:
            again = OtherLoad()
            time.sleep(_AGAIN)
            cores = min(cores, again.cores())
        if cores <= BUSY:
            return ""
        return (
            f"the machine is busy: other programs use {cores:.1f} cores, so times and throughput will not be comparable"
        )


def _seconds_of_others() -> float:
    """The processor time since the start of the machine that did not go to this process and its children."""
    import psutil

    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    machine, own = 0.0, 0.0
    for number, core in enumerate(psutil.cpu_times(percpu=True)):
        if allowed is None or number in allowed:
            times = core._asdict()
            machine += sum(
                times[name] for name in ("user", "nice", "system", "irq", "softirq", "steal") if name in times
            )
    this = psutil.Process()
    own += sum(this.cpu_times()[:4])
    for child in this.children(recursive=True):
        try:
            own += sum(child.cpu_times()[:4])
        except psutil.Error:  # it ended meanwhile; its time is now among those of this process's ended children
            continue
    return float(machine - own)
