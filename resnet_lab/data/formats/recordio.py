"""Reads MXNet's RecordIO files without MXNet: a `.rec` file of records, and the `.idx` file with their offsets.

A record consists of the magic number, a 32-bit word with a flag (3 bits) and the length of the content (29 bits), and
the content, padded to a multiple of four bytes. Content in which the magic number occurs is stored in several parts
without it; a reader joins the parts with the magic number again. A packed image begins with the header IRHeader (flag,
label, id, id2); a flag above zero is the number of labels that follow the header.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...base.errors import LabError

_MAGIC = 0xCED7230A
_SEPARATOR = struct.pack("<I", _MAGIC)
_WORDS = struct.Struct("<II")
_HEADER = struct.Struct("<IfQQ")
_WHOLE, _BEGIN, _END = 0, 1, 3


@dataclass(frozen=True)
class Record:
    """A packed image: its labels, float32 (n,), its id, and its content, usually a JPEG."""

    labels: NDArray[np.float32]
    id: int
    content: bytes


class RecordFile:
    """A `.rec` file; `file[i]` is record i in the order of the `.idx` file, or of the `.rec` file if there is no index.

    The file is mapped into memory, not read, so that it may be larger than the memory.

    Args:
        path: the `.rec` file; the `.idx` file beside it is used if there is one.

    Raises:
        LabError: one of the two files is missing, empty or damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            with self.path.open("rb") as stream:
                self._bytes = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise LabError(f"cannot be read: {error.strerror}", file=self.path) from None
        except ValueError:
            raise LabError("is empty", file=self.path) from None
        index = self.path.with_suffix(".idx")
        self.offsets = self._indexed(index) if index.is_file() else self._scanned()

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, place: int) -> Record:
        """Raises LabError: the record is damaged."""
        content, _ = self._record(int(self.offsets[place]))
        if len(content) < _HEADER.size:
            raise self._damaged(int(self.offsets[place]), f"{len(content)} bytes are too few for a header")
        flag, label, number, _ = _HEADER.unpack_from(content)
        if not flag:
            return Record(np.array([label], np.float32), number, content[_HEADER.size :])
        end = _HEADER.size + 4 * flag
        if end > len(content):
            raise self._damaged(int(self.offsets[place]), f"the record is too short for its {flag} labels")
        return Record(np.frombuffer(content, "<f4", flag, _HEADER.size).copy(), number, content[end:])

    def content(self, place: int) -> bytes | memoryview:
        """Return the content of record `place`; content that is stored in one part is not copied.

        Raises:
            LabError: the record is damaged.
        """
        end = self._ends.item(place)
        return self._view[self._begins.item(place) : end] if end else self[place].content

    @cached_property
    def _begins(self) -> NDArray[np.int64]:
        """The offset at which the content of each record begins, for records with one part and one label."""
        return self.offsets + _WORDS.size + _HEADER.size

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        """The offset at which the content of each record ends; 0 for records with several parts or several labels."""
        content = np.frombuffer(self._bytes, np.uint8)
        fits = self._begins <= len(content)
        words = np.zeros((len(fits), 3), np.uint32)
        words[fits] = content[self.offsets[fits, None] + np.arange(12)].view("<u4")
        magic, length, labels = words.T
        end = self.offsets + _WORDS.size + length
        plain = (magic == _MAGIC) & (length >= _HEADER.size) & (length < 1 << 29) & (labels == 0)
        return np.where(plain & (end <= len(content)), end, 0)

    @cached_property
    def _view(self) -> memoryview:
        return memoryview(self._bytes)

    def labels(self) -> NDArray[np.int32]:
        """Read the first label of every record, without the contents.

        Raises:
            LabError: a label is not a whole number, or a record is damaged.
        """
        content = np.frombuffer(self._bytes, np.uint8)
        starts = self.offsets[:, None] + _WORDS.size
        if len(starts) and int(starts.max()) + _HEADER.size > len(content):
            raise self._damaged(int(self.offsets.max()), "the file ends within it")
        flags = content[starts + np.arange(4)].view("<u4")[:, 0]
        # Several labels follow the header; the label in the header is then not used.
        values = content[starts + np.arange(4, 8)].view("<f4")[:, 0]
        for place in np.flatnonzero(flags):
            values[place] = self[int(place)].labels[0]
        labels: NDArray[np.int32] = values.astype(np.int32)
        odd = np.flatnonzero(labels != values)
        if len(odd):
            raise LabError(f"the label {values[odd[0]]} of record {odd[0]} is not a whole number", file=self.path)
        return labels

    def _record(self, start: int) -> tuple[bytes, int]:
        """Return the content of the record at an offset, and the offset of the next record."""
        parts: list[bytes] = []
        offset = start
        while True:
            if offset + _WORDS.size > len(self._bytes):
                raise self._damaged(start, "the file ends within it")
            magic, word = _WORDS.unpack_from(self._bytes, offset)
            flag, length = word >> 29, word & (1 << 29) - 1
            if magic != _MAGIC or (flag in (_WHOLE, _BEGIN)) == bool(parts):
                raise self._damaged(start, "no record begins there")
            offset += _WORDS.size
            if offset + length > len(self._bytes):
                raise self._damaged(start, "the file ends within it")
            parts.append(self._bytes[offset : offset + length])
            offset += (length + 3) // 4 * 4
            if flag in (_WHOLE, _END):
                return _SEPARATOR.join(parts), offset

    def _scanned(self) -> NDArray[np.int64]:
        """Return the offsets of all records, in the order of the `.rec` file."""
        offsets, offset = [], 0
        while offset < len(self._bytes):
            offsets.append(offset)
            _, offset = self._record(offset)
        return np.array(offsets, np.int64)

    def _indexed(self, index: Path) -> NDArray[np.int64]:
        """Read the offsets from the `.idx` file, whose lines are a key, a tab and an offset."""
        offsets = []
        for number, line in enumerate(index.read_bytes().splitlines(), 1):
            fields = line.split()
            if len(fields) != 2 or not all(field.isdigit() for field in fields):
                raise LabError("is not a line of an index: KEY<tab>OFFSET was expected", file=index, line=number)
            offset = int(fields[1])
            if offset + _WORDS.size > len(self._bytes):
                raise LabError(
                    f"names the offset {offset}, but {self.path.name} ends at {len(self._bytes)}",
                    file=index,
                    line=number,
                )
            offsets.append(offset)
        return np.array(offsets, np.int64)

    def _damaged(self, offset: int, why: str) -> LabError:
        return LabError(f"is damaged at offset {offset}: {why}", file=self.path)
