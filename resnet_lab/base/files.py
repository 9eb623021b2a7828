"""Files that are written completely or not at all, and JSON files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import LabError


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Write a file so that a crash at any instant leaves the old file or the whole new one.

    The body of the `with` statement writes to a partial file in the same folder. When the body ends, the partial file
    is brought to the disk and renamed. When the body fails, the partial file is removed. The file gets the
    permissions that the umask asks for, whatever library wrote it.

    Args:
        path: the file to write, in a folder that exists.

    Yields:
        The path of the partial file, which is empty.

    Raises:
        LabError: The file cannot be written: the disk is full, the folder is read-only, ...
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(b"")
        mode = partial.stat().st_mode & 0o777
        yield partial
        partial.chmod(mode)  # safetensors makes files that only their owner can read
        put_in_place(partial, path)
    except OSError as error:
        raise LabError(f"cannot be written: {error.strerror or error}", file=path) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def put_in_place(partial: Path, path: Path) -> None:
    """Bring a complete file to the disk, then give it its name.

    Raises:
        OSError: The disk is full, or the folder is read-only.
    """
    with partial.open("rb+") as stream:
        os.fsync(stream.fileno())
    partial.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write a text file, completely or not at all.

    Raises:
        LabError: The file cannot be written.
    """
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, completely or not at all; NaN is kept as NaN.

    Raises:
        LabError: The file cannot be written.
    """
    write_text(path, json.dumps(value, indent=1) + "\n")


def read_json(path: Path) -> Any:
    """Read the value that `write_json` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))
