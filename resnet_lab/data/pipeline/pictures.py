"""Labelled pictures: in memory as pixels, or encoded on the disk and decoded when they are needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...base.errors import LabError
from ..formats.decode import DECODERS, Box, Content, Undecodable, central
from ..formats.recordio import RecordFile


@dataclass(frozen=True, eq=False)
class InMemory:
    """Images, uint8 (count, channels, height, width), and their labels, int32 (count,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of one image: (channels, height, width)."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def take(self, indices: NDArray[np.int64]) -> InMemory:
        """Select the images at these positions, in this order."""
        return InMemory(self.images[indices], self.labels[indices])

    def rgb(self) -> InMemory:
        """Repeat the channel of grey images three times, without copying pixels."""
        count, _, height, width = self.images.shape
        return InMemory(np.broadcast_to(self.images, (count, 3, height, width)), self.labels)

    def resized(self, size: int) -> InMemory:
        """Resize all images to size x size with Pillow's bilinear filter, which averages pixels when it shrinks."""
        from PIL import Image

        images = self.images
        if images.shape[2:] == (size, size):
            return self
        grey = images.strides[1] == 0  # the three channels share their memory, so only one of them is resized
        planes = images[:, :1] if grey else images
        resized = np.empty((len(images), planes.shape[1], size, size), np.uint8)
        for source, target in zip(planes.reshape(-1, *images.shape[2:]), resized.reshape(-1, size, size), strict=True):
            target[:] = Image.fromarray(source).resize((size, size), Image.Resampling.BILINEAR)
        return InMemory(np.broadcast_to(resized, (*images.shape[:2], size, size)) if grey else resized, self.labels)


class Items(Protocol):
    """Encoded pictures by position. Pickled, the object is small, so that it can be sent to worker processes."""

    def __len__(self) -> int: ...

    def read(self, place: int) -> Content:
        """Return the encoded picture, usually a JPEG. Raises LabError: the picture cannot be read."""

    def name(self, place: int) -> str:
        """Return the name of a picture for messages: its file, or the file and the number of its record."""


@dataclass(frozen=True)
class Files:
    """Pictures in files below a folder."""

    folder: Path
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def read(self, place: int) -> Content:
        try:
            return (self.folder / self.names[place]).read_bytes()
        except OSError as error:
            raise LabError(f"cannot be read: {error.strerror}", file=self.folder / self.names[place]) from None

    def name(self, place: int) -> str:
        return str(self.folder / self.names[place])


class Records:
    """Pictures in a `.rec` file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: RecordFile | None = None

    @property
    def file(self) -> RecordFile:
        """The open file; each process opens the file when it first reads a picture."""
        if self._file is None:
            self._file = RecordFile(self.path)
        return self._file

    def __getstate__(self) -> dict[str, object]:
        return {"path": self.path, "_file": None}

    def __len__(self) -> int:
        return len(self.file)

    def read(self, place: int) -> Content:
        return self.file.content(place)

    def name(self, place: int) -> str:
        return f"{self.path}, record {place}"


@dataclass(frozen=True)
class OnDisk:
    """Encoded pictures that are decoded when they are needed, and resized to `size`.

    Args:
        items: the encoded pictures.
        labels: int32 (count,).
        places: int64 (count,): for each picture of this split its position among the items.
        crop: the side of the central square that is shown unless an augmentation draws another part, as a share of the
            picture's shorter side.
        decoder: the name of a registered decoder.
        size: height and width of a decoded picture; None until an experiment sets it.
    """

    items: Items
    labels: NDArray[np.int32]
    places: NDArray[np.int64]
    crop: float = 0.875
    decoder: str = "pillow"
    size: int | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of one image: (3, height, width). Raises LabError: the size is not set."""
        if self.size is None:
            raise LabError("pictures of any size must be resized: set 'size' in 'data'")
        return 3, self.size, self.size

    def take(self, indices: NDArray[np.int64]) -> OnDisk:
        """Select the pictures at these positions, in this order."""
        return replace(self, labels=self.labels[indices], places=self.places[indices])

    def rgb(self) -> OnDisk:
        """The same pictures, since grey ones are decoded to three channels anyway."""
        return self

    def resized(self, size: int) -> OnDisk:
        """The same pictures, decoded to size x size."""
        return replace(self, size=size)

    def name(self, place: int) -> str:
        """Return the name of a picture for messages."""
        return self.items.name(int(self.places[place]))

    def fill(self, place: int, out: NDArray[np.uint8], box: Box | None = None) -> None:
        """Decode one picture.

        Args:
            place: the position of the picture in this split.
            out: uint8 (size, size, 3); the picture is written to it.
            box: computes the part that is shown from the picture's width and height; None means the central square.

        Raises:
            Undecodable: the picture is damaged; the message names it.
        """
        item = int(self.places[place])
        try:
            decode = DECODERS.get(self.decoder).function
            decode(self.items.read(item), box or (None if self.crop == 1 else self._central), out)
        except Undecodable as error:
            raise Undecodable(f"{self.items.name(item)} cannot be decoded: {error}") from None

    def _central(self, width: int, height: int) -> tuple[float, float, float, float]:
        return central(width, height, self.crop)


Pictures = InMemory | OnDisk
