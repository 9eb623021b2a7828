"""Gluon's `.params` files, read and written without MXNet.

The format is that of `mx.nd.save`: little-endian; a list of arrays, then a list of names. Source:
MXNet 1.9, src/ndarray/ndarray.cc, `NDArray::Save` and `NDArray::Load`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.errors import LabError
from ..base.files import atomic_write

_LIST = 0x112
_DENSE = 0
_VERSIONS = (0xF993FAC9, 0xF993FACA)
"""MXNet 0.12 to 1.4, and later versions with NumPy's shapes; the layout of a dense array is the same."""

_DTYPES = ("<f4", "<f8", "<f2", "|u1", "<i4", "|i1", "<i8", "|b1")
"""The element types, in the order of MXNet's type flags."""


def read(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of a `.params` file by name, in the order of the file, without the prefixes `arg:` and `aux:`.

    Raises:
        LabError: The file is damaged, or it is no `.params` file.
    """
    content = path.read_bytes()
    if content[:8] != struct.pack("<Q", _LIST):
        raise LabError("is no .params file: it does not begin like a list of arrays of MXNet", file=path)
    try:
        return _Reader(content).arrays()
    except (struct.error, ValueError, IndexError, UnicodeDecodeError) as error:
        raise LabError(f"is damaged, or no .params file of MXNet 0.12 or later: {error}", file=path) from None


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content = content
        self.place = 16

    def arrays(self) -> dict[str, NDArray[Any]]:
        values = [self._array() for _ in range(self._number("<Q"))]
        names = [self._text() for _ in range(self._number("<Q"))]
        if len(names) != len(values):
            raise ValueError(f"{len(values)} arrays have {len(names)} names")
        return {
            name.removeprefix("arg:").removeprefix("aux:"): value for name, value in zip(names, values, strict=True)
        }

    def _number(self, format: str) -> int:
        (value,) = struct.unpack_from(format, self.content, self.place)
        self.place += struct.calcsize(format)
        return int(value)

    def _bytes(self, size: int) -> bytes:
        part = self.content[self.place : self.place + size]
        if len(part) != size:
            raise ValueError("the file ends too early")
        self.place += size
        return part

    def _text(self) -> str:
        return self._bytes(self._number("<Q")).decode()

    def _array(self) -> NDArray[Any]:
        if self._number("<I") not in _VERSIONS or self._number("<i") != _DENSE:
            raise ValueError("an array is sparse or of an unknown version")
        shape = [self._number("<q") for _ in range(self._number("<i"))]
        self._bytes(8)  # the device on which the array was
        dtype = np.dtype(_DTYPES[self._number("<i")])
        size = dtype.itemsize
        for extent in shape:
            size *= extent
        return np.frombuffer(self._bytes(size), dtype).reshape(shape)


def write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write the same bytes as `mx.nd.save`; after a crash the old file or the new one is there, never a part.

    Raises:
        ValueError: MXNet has no such element type.
    """
    parts = [struct.pack("<QQQ", _LIST, 0, len(arrays))]
    for array in arrays.values():
        flag = _DTYPES.index(array.dtype.newbyteorder("<").str)
        cpu = (1, 0)
        parts.append(struct.pack(f"<Iii{array.ndim}qiii", _VERSIONS[0], _DENSE, array.ndim, *array.shape, *cpu, flag))
        parts.append(np.ascontiguousarray(array).tobytes())
    parts.append(struct.pack("<Q", len(arrays)))
    for name in arrays:
        parts.append(struct.pack("<Q", len(name.encode())) + name.encode())
    with atomic_write(path) as partial:
        partial.write_bytes(b"".join(parts))
