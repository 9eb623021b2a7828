"""From an encoded picture to pixels of a given size: the contract of a decoder, and the registry of decoders.

A decoder is one function in one file of `decoders/`. It is given the part of the picture that is to be shown, and
decodes no more pixels than it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...base.errors import LabError
from ...base.registry import Entry, OptionError, Registry

Content = bytes | memoryview
"""An encoded picture: the bytes of a file."""

Box = Callable[[int, int], tuple[float, float, float, float]]
"""From the width and height of a picture to the part that is shown: left, top, right, bottom, in pixels."""

Decode = Callable[[Content, Box | None, NDArray[np.uint8]], None]
"""Decodes a picture, cuts the part of the box (the central square where it is None), resizes it to uint8
(size, size, 3), RGB, and writes it to the array. Raises Undecodable: the picture is damaged."""


class Undecodable(LabError):
    """A picture is damaged, or the file holds no picture."""


@dataclass(frozen=True)
class DecoderEntry(Entry):
    """A registered decoder; `check` raises a LabError where its libraries are not installed."""

    check_installed: Callable[[], None] | None = None


DECODERS: Registry[DecoderEntry] = Registry("decoder")


def decoder(name: str, *, check: Callable[[], None] | None = None, replace: bool = False) -> Callable[[Decode], Decode]:
    """Register a decoder under the name that the option `decoder` of a dataset uses.

    Args:
        check: raises a LabError where the libraries of the decoder are not installed.
        replace: take the name over where it is taken.

    Raises:
        LabError: the name is taken.
    """

    def register(function: Decode) -> Decode:
        DECODERS.add(DecoderEntry("decoder", name, function, check_installed=check), replace)
        return function

    return register


def check_decoder(name: str) -> None:
    """See that a decoder can be used.

    Raises:
        OptionError: there is no such decoder, or it is not installed.
    """
    try:
        entry = DECODERS.get(name)
        if entry.check_installed is not None:
            entry.check_installed()
    except LabError as error:
        raise OptionError("decoder", error.message) from None


def central(width: int, height: int, share: float = 1.0) -> tuple[float, float, float, float]:
    """The square in the middle whose side is this share of the shorter side.

    With 224/256 this is what "the shorter side to 256 pixels, then the central 224" shows.
    """
    side = min(width, height) * share
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def reduction(part: tuple[float, float, float, float], size: int) -> int:
    """How many times smaller a JPEG may be decoded, 1, 2, 4 or 8, so that the part still has `size` pixels."""
    factor = int(min(part[2] - part[0], part[3] - part[1])) // size
    return 1 << min(3, factor.bit_length() - 1) if factor > 1 else 1
