"""How many processes the kernel has killed because memory ran out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def kills(root: Path = Path("/")) -> dict[str, int]:
    """The kernel's counters of processes that it killed for memory.

    Linux counts them for the whole machine (/proc/vmstat) and for the control group of this process (memory.events in
    version 2, memory.oom_control in version 1).

    Args:
        root: where `/proc` and `/sys` are, for tests.

    Returns:
        Each counter that can be read, by the path of its file; empty where there is none, as outside Linux.
    """
    found = {}
    for path in _files(root):
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, count = line.partition(" ")
            if name == "oom_kill" and count.strip().isdecimal():
                found[str(path)] = int(count)
    return found


def _files(root: Path) -> Iterator[Path]:
    yield root / "proc/vmstat"
    groups = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:  # 'number:controllers:path'; in a container the path may be one of the host
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from dict.fromkeys((groups / path.lstrip("/") / "memory.events", groups / "memory.events"))
        elif "memory" in controllers.split(","):
            version1 = groups / "memory"
            yield from dict.fromkeys(
                (version1 / path.lstrip("/") / "memory.oom_control", version1 / "memory.oom_control")
            )
