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
"""How many files a thread hashes between updates of the progress bar; an update takes longer than a small picture."""

_LARGE_BYTES = 256 << 20
"""From this total size on, reading takes seconds, and a progress bar is shown."""

_SETTLED_NS = 2_000_000_000
"""A digest is remembered only if both times of the file lie at least this many nanoseconds in the past.

The clock of a file system may be as coarse as two seconds: a file that changes twice within one tick keeps its times.
"""

Stamp = tuple[bytes, int, int, int]
"""The values by which an unchanged file is recognised: its full path, its size, and its two times in nanoseconds."""


def content_digest(path: Path) -> str:
    """Compute the digest of a file's content, or of the names and contents of all files in a folder.

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
    """Compute the digest of the names and the contents of some files of a folder.

    Args:
        folder: the folder, which may lie anywhere.
        names: the files, relative to the folder, with forward slashes; another order gives another digest.

    Raises:
        LabError: a file cannot be read.
    """
    digests = file_digests([folder / name for name in names])
    lines = (f"{name}\0{of_file}\n" for name, of_file in zip(names, digests, strict=True))
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def file_digests(paths: Sequence[Path]) -> list[str]:
    """Compute the SHA-256 of each file in hex; a file that has not changed since the last call is not read again.

    Raises:
        LabError: a file cannot be read.
    """
    stamps = [_stamp(path) for path in paths]
    with _database() as database:
        known = {stamp: found for stamp in stamps if (found := _recalled(database, stamp)) is not None}
        unknown = [stamp for stamp in dict.fromkeys(stamps) if stamp not in known]
        now = time.time_ns()
        fresh = dict(zip(unknown, _read(unknown), strict=True))
        settled = [(*stamp, fresh[stamp]) for stamp in unknown if max(stamp[2:]) <= now - _SETTLED_NS]
        _remember(database, settled)
    known |= fresh
    return [known[stamp] for stamp in stamps]


def _names_below(folder: Path) -> Iterator[str]:
    """List every file below a folder, relative to it; a folder that links lead to again is entered only once."""
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
    # The path is kept as bytes, since the name of a file need not be valid text.
    return os.fsencode(os.path.abspath(path)), state.st_size, state.st_mtime_ns, state.st_ctime_ns


def _read(stamps: list[Stamp]) -> list[str]:
    """Compute the digests of files in several threads, with a progress bar if there is much to read."""
    parts = [stamps[start : start + _TOGETHER] for start in range(0, len(stamps), _TOGETHER)]
    total = sum(size for _, size, _, _ in stamps)
    digests: list[str] = []
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(_THREADS))
        title = f"reading {len(stamps):,} files once, to know their content"
        update = stack.enter_context(progress_bar(title, total)) if total >= _LARGE_BYTES else None
        done = 0
        for part, of_part in zip(parts, pool.map(_digests, parts), strict=True):
            digests += of_part
            done += sum(size for _, size, _, _ in part)
            if update is not None:
                update(done, total)
    return digests


def _digests(stamps: list[Stamp]) -> list[str]:
    return [digest(Path(os.fsdecode(path)), "sha256") for path, *_ in stamps]


@contextlib.contextmanager
def _database() -> Iterator[sqlite3.Connection | None]:
    """Open the database of remembered digests; if that fails, print a warning and yield None: every file is read."""
    path = cache_folder() / "digests.sqlite"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(path, timeout=30)
        database.execute(
            "CREATE TABLE IF NOT EXISTS digests "
            "(path BLOB PRIMARY KEY, size INTEGER, modified INTEGER, changed INTEGER, sha256 TEXT)"
        )
    except (OSError, sqlite3.Error) as error:
        _warn(path, error)
        yield None
        return
    try:
        yield database
    finally:
        database.close()


def _recalled(database: sqlite3.Connection | None, stamp: Stamp) -> str | None:
    if database is None:
        return None
    query = "SELECT sha256 FROM digests WHERE path = ? AND size = ? AND modified = ? AND changed = ?"
    row = database.execute(query, stamp).fetchone()
    return None if row is None else str(row[0])


def _remember(database: sqlite3.Connection | None, rows: list[tuple[bytes, int, int, int, str]]) -> None:
    if database is None or not rows:
        return
    try:
        with database:
            database.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?)", rows)
    except sqlite3.Error as error:
        _warn(cache_folder() / "digests.sqlite", error)


def _warn(path: Path, error: Exception) -> None:
    print(
        f"resnet-lab: the digests of files cannot be kept in {path} ({error}); they are computed again at each start",
        file=sys.stderr,
    )
