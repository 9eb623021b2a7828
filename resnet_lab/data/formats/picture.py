"""Single pictures for prediction: read, resized and cropped as a network needs them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import LabError

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
"""The suffixes of picture files, both in the folders of a dataset and in the folders that `predict` reads."""


def find(paths: Iterable[Path]) -> list[Path]:
    """List the given files, and the pictures in the given folders and in the folders below them, sorted by name.

    Raises:
        LabError: a path does not exist, or a folder holds no picture.
    """
    pictures: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
            if not inside:
                raise LabError(f"there is no picture in it (known: {', '.join(SUFFIXES)})", file=path)
            pictures += inside
        elif path.is_file():
            pictures.append(path)
        else:
            raise LabError("there is no such picture or folder", file=path)
    return pictures


def read(path: Path, channels: int = 3) -> Image:
    """Read a picture and turn it upright, as its EXIF data says.

    Transparency is dropped, as OpenCV and therefore Gluon's loader do. Of 16-bit values the upper eight bits are kept.

    Args:
        channels: 3 for colour, 1 for grey; each channel has 8 bits.

    Raises:
        LabError: the file is damaged, or is not a picture.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file)
            if picture.mode.startswith("I;16") or picture.mode == "I":  # Pillow's own conversion would clip at 255
                picture = Image.fromarray(_upper_eight(np.asarray(picture)))
            elif picture.mode == "F":
                raise ValueError("it holds fractions, not 8 or 16 bits")
            return picture.convert("RGB" if channels == 3 else "L")
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise LabError(f"cannot be read as a picture: {error}", file=path) from None


def _upper_eight(values: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    """Return the upper eight bits of 16-bit values."""
    if values.min(initial=0) < 0 or values.max(initial=0) > 65535:
        raise ValueError("it holds more than 16 bits")
    return (values.astype(np.uint32) >> 8).astype(np.uint8)


def check_crop(resize: int, crop: int) -> None:
    """Check that a crop fits into the resized picture.

    Raises:
        LabError: the crop is larger than the shorter side of the resized picture.
    """
    if not 1 <= crop <= resize:
        raise LabError(f"a crop of {crop} pixels cannot be cut from a picture resized to {resize}")


def prepare(picture: Image, resize: int = 256, crop: int = 224, *, antialias: bool = False) -> NDArray[np.uint8]:
    """Resize a picture and cut the square in its middle.

    Args:
        resize: the length to which the shorter side is resized before the crop, in pixels; at least `crop`.
        crop: the side of the square, in pixels.
        antialias: average all pixels that fall into a new pixel (Pillow, torchvision) instead of interpolating between
            the four nearest pixels (OpenCV, Gluon-CV's `transform_eval`).

    Returns:
        uint8 (channels, crop, crop).

    Raises:
        LabError: the crop is larger than the resized picture.
    """
    from PIL import Image

    check_crop(resize, crop)
    width, height = picture.size
    shorter = min(width, height)
    wide, high = max(resize, width * resize // shorter), max(resize, height * resize // shorter)
    across, down = width / wide, height / high
    left, top = (wide - crop) // 2 * across, (high - crop) // 2 * down
    bilinear = Image.Resampling.BILINEAR
    if antialias:
        box = (left, top, left + crop * across, top + crop * down)
        small = picture.resize((crop, crop), bilinear, box=box)
    else:
        small = picture.transform(
            (crop, crop), Image.Transform.AFFINE, (across, 0, left, 0, down, top), resample=bilinear
        )
    pixels = np.asarray(small)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels[None])
