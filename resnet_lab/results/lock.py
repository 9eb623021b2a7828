"""The lock that a sweep holds on its results folder while it runs."""

from __future__ import annotations

from pathlib import Path

LOCK = ".lock"
"""The file that `sweeps/run.py` locks with `filelock`; it stays when the sweep has ended."""


def is_held(folder: Path) -> bool:
    """Whether a sweep runs in a results folder now; also works in a folder that cannot be written."""
    import fcntl

    try:
        with (folder / LOCK).open("rb") as stream:
            # A shared lock: two readers that ask at the same time do not take each other for a sweep.
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
