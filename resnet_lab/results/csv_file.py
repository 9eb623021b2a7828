"""The CSV files of a results folder: every row is one line, and lines are appended while a sweep runs.

A kill while a row is appended leaves a last line without a line end. Readers leave this line out, and the next run
writes the file anew.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

TABLE, EPOCH_TABLE = "trials.csv", "epochs.csv"
"""The names of the two tables of a results folder."""


def to_lines(rows: Iterable[Sequence[Any]]) -> list[str]:
    """Write rows as lines of a CSV file, each with its line end.

    None and NaN become empty cells. A line break inside a text becomes a blank, so that every row is one line.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    lines = []
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        lines.append(text.getvalue())
        text.seek(0)
        text.truncate()
    return lines


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join(value.splitlines()) if "\n" in value or "\r" in value else value
    return None if value != value else value


def whole_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a CSV file, each with its line end; a last line without one is left out.

    Nothing is yielded if there is no such file.
    """
    with suppress(FileNotFoundError), path.open(encoding="utf-8", errors="replace", newline="") as stream:
        yield from (line for line in stream if line.endswith("\n"))


def is_whole(path: Path) -> bool:
    """Whether a file is there and ends with a line end; only its last byte is read."""
    try:
        with path.open("rb") as stream:
            stream.seek(-1, io.SEEK_END)
            return stream.read() == b"\n"
    except OSError:  # there is no file, or it is empty
        return False


def without_cut_line(path: Path) -> Path | io.BytesIO:
    """The content of a table for a reader, without a last line that was cut off.

    Only the tables that resnet-lab writes lose such a line. A person's own `.csv` file may end without a line end.
    """
    if path.name not in (TABLE, EPOCH_TABLE) or is_whole(path):
        return path
    content = path.read_bytes()
    return io.BytesIO(content[: content.rfind(b"\n") + 1])


def append(path: Path, lines: Sequence[str]) -> None:
    """Append lines to a CSV file that is whole."""
    with path.open("a", encoding="utf-8", newline="") as stream:
        stream.write("".join(lines))
