"""Digests of files and folders by their content, so that a trial's id follows the pictures and not their place.

The digest of each file that was read is remembered in the user's cache, so that planning an experiment for the second
time reads no picture again. A file is taken as unchanged while its path, its size and its two times (of the last
change of its content, and of its entry in the file system) are the same. The second time cannot be set by a program,
so the digest of a file that was replaced by another one of the same size and the same date is not mistaken for its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ...base.errors import LabError
from .download import cache_folder, digest
from .progress import progress_bar

_THREADS = 8
"""More threads than most machines have cores: a disk or a network answers several requests at once."""

_TOGETHER = 64
"""Files that a thread hashes before the progress is shown: small pictures are hashed faster than a bar is drawn."""

_LARGE_BYTES = 256 << 20
"""From this size on, reading takes seconds, and a person is told about it."""

_SETTLED_NS = 2_000_000_000
"""A digest is remembered only where the file's times lie at least so many nanoseconds back.

The clock of a file system may be as coarse as two seconds: a file that changes twice within one tick keeps its times.
"""

Stamp = tuple[bytes, int, int, int]
"""What must be equal for a file to count as unchanged: its whole path, size, and its two times in nanoseconds."""


def content_digest(path: Path) -> str:
    """The digest of a file's content; of a folder's, with the names of all files in it.

    Args:
        path: a file, or a folder with everything below it; links are followed.

    Returns:
        16 hex digits that do not depend on where the file or folder lies.

    Raises:
        LabError: a file cannot be read.
    """
    if not path.is_dir():
        return file_digests([path])[0][:16]
    return listing_digest(path, sorted(_names_below(path)))


def listing_digest(folder: Path, names: Sequence[str]) -> str:
    """The digest of some files of a folder: of their names and of their contents.

    Args:
        folder: the folder, which may lie anywhere.
        names: the files, relative to the folder, with forward slashes; their order counts.

    Raises:
        LabError: a file cannot be read.
    """
    found = file_digests([folder / name for name in names])
    lines = (f"{name}\0{of_file}\n" for name, of_file in zip(names, found, strict=True))
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def file_digests(paths: Sequence[Path]) -> list[str]:
    """The SHA-256 of each file in hex; a file that has not changed since the last call is not read again.

    Raises:
        LabError: a file cannot be read.
    """
    stamps = [_stamp(path) for path in paths]
    with _memory() as memory:
        known = {stamp: found for stamp in stamps if (found := _recalled(memory, stamp)) is not None}
        unknown = [stamp for stamp in dict.fromkeys(stamps) if stamp not in known]
        now = time.time_ns()
        fresh = dict(zip(unknown, _read(unknown), strict=True))
        settled = [(*stamp, fresh[stamp]) for stamp in unknown if max(stamp[2:]) <= now - _SETTLED_NS]
        _remember(memory, settled)
    known |= fresh
    return [known[stamp] for stamp in stamps]


def _names_below(folder: Path) -> Iterator[str]:
    """Every file below a folder, relative to it; a folder that links lead back to is entered once."""
    entered: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        yield from (Path(place, name).relative_to(folder).as_posix() for name in files)


def _stamp(path: Path) -> Stamp:
    try:
        state = path.stat()
    except OSError as error:
        raise LabError(f"cannot be read: {error.strerror}", file=path) from None
    # As bytes, for the name of a file need not be valid text.
    return os.fsencode(os.path.abspath(path)), state.st_size, state.st_mtime_ns, state.st_ctime_ns


def _read(stamps: list[Stamp]) -> list[str]:
    """The digests of files, read in several threads, with a progress bar where that takes a while."""
    parts = [stamps[start : start + _TOGETHER] for start in range(0, len(stamps), _TOGETHER)]
    total = sum(size for _, size, _, _ in stamps)
    found: list[str] = []
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(_THREADS))
        title = f"reading {len(stamps):,} files once, to know their content"
        update = stack.enter_context(progress_bar(title, total)) if total >= _LARGE_BYTES else None
        done = 0
        for part, of_part in zip(parts, pool.map(_digests, parts), strict=True):
            found += of_part
            done += sum(size for _, size, _, _ in part)
            if update is not None:
                update(done, total)
    return found


def _digests(stamps: list[Stamp]) -> list[str]:
    return [digest(Path(os.fsdecode(path)), "sha256") for path, *_ in stamps]


@contextlib.contextmanager
def _memory() -> Iterator[sqlite3.Connection | None]:
    """The database of remembered digests; None where it cannot be used, which is said and costs time alone."""
    path = cache_folder() / "digests.sqlite"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        memory = sqlite3.connect(path, timeout=30)
        memory.execute(
            "CREATE TABLE IF NOT EXISTS digests "
            "(path BLOB PRIMARY KEY, size INTEGER, modified INTEGER, changed INTEGER, sha256 TEXT)"
        )
    except (OSError, sqlite3.Error) as error:
        _complain(path, error)
        yield None
        return
    try:
        yield memory
    finally:
        memory.close()


def _recalled(memory: sqlite3.Connection | None, stamp: Stamp) -> str | None:
    if memory is None:
        return None
    query = "SELECT sha256 FROM digests WHERE path = ? AND size = ? AND modified = ? AND changed = ?"
    row = memory.execute(query, stamp).fetchone()
    return None if row is None else str(row[0])


def _remember(memory: sqlite3.Connection | None, rows: list[tuple[bytes, int, int, int, str]]) -> None:
    if memory is None or not rows:
        return
    try:
        with memory:
            memory.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?)", rows)
    except sqlite3.Error as error:
        _complain(cache_folder() / "digests.sqlite", error)


def _complain(path: Path, error: Exception) -> None:
    print(
        f"resnet-lab: the digests of files cannot be kept in {path} ({error}); they are computed again at each start",
        file=sys.stderr,
    )
