"""The contract of a decoder, which turns an encoded picture into pixels of a given size, and the registry of decoders.

A decoder is a function in its own file in `decoders/`. The caller states which part of the picture is shown, so that
the decoder need not decode the other pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NewType

import numpy as np
from numpy.typing import NDArray

from ...base.errors import LabError
from ...base.registry import Entry, OptionError, Registry

Content = bytes | memoryview
"""An encoded picture: the bytes of a file."""

Box = Callable[[int, int], tuple[float, float, float, float]]
"""Computes the part of a picture that is shown (left, top, right, bottom, in pixels) from its width and height."""

Decode = Callable[[Content, Box | None, NDArray[np.uint8]], None]
"""Decodes a picture, cuts the part that the box states (None means the central square), resizes it to the array, which
is uint8 (size, size, 3), RGB, and writes it there. Raises Undecodable: the picture is damaged."""


class Undecodable(LabError):
    """A picture is damaged, or the file holds no picture."""


@dataclass(frozen=True)
class DecoderEntry(Entry):
    """A registered decoder; `check_installed` raises a LabError if its libraries are not installed."""

    check_installed: Callable[[], None] | None = None


DECODERS: Registry[DecoderEntry] = Registry("decoder")

DecoderName = NewType("DecoderName", str)
"""The type of a dataset's option that names a decoder. The plan of an experiment replaces `auto` by the decoder that it
means on this machine, so that the trial's id and its row name the decoder."""

AUTO = DecoderName("auto")
_PREFERRED = ("fast", "pillow")
"""The decoders of which `auto` means the first that can be used."""


def decoder(name: str, *, check: Callable[[], None] | None = None, replace: bool = False) -> Callable[[Decode], Decode]:
    """Register a decoder under the name that the option `decoder` of a dataset uses.

    Args:
        check: a function that raises a LabError if the libraries of the decoder are not installed.
        replace: replace a decoder that is already registered under this name.

    Raises:
        LabError: the name is already registered, and `replace` is False.
    """

    def register(function: Decode) -> Decode:
        DECODERS.add(DecoderEntry("decoder", name, function, check_installed=check), replace)
        return function

    return register


def chosen_decoder(name: str) -> str:
    """Return the name of the decoder that `name` means on this machine.

    Args:
        name: a registered decoder, or `auto`: `fast` if its libraries are installed, else `pillow`.

    Raises:
        OptionError: there is no such decoder, or its libraries are not installed.
    """
    if name == AUTO:
        return next(each for each in _PREFERRED if _problem(each) is None)
    problem = _problem(name)
    if problem is not None:
        raise OptionError("decoder", problem)
    return name


def _problem(name: str) -> str | None:
    """Return why a decoder cannot be used; None if it can."""
    try:
        entry = DECODERS.get(name)
        if entry.check_installed is not None:
            entry.check_installed()
    except LabError as error:
        return error.message
    return None


def central(width: int, height: int, share: float = 1.0) -> tuple[float, float, float, float]:
    """Return the square in the middle of a picture whose side is `share` of the shorter side.

    With a share of 224/256 this is the part that remains when the shorter side is resized to 256 pixels and the central
    224 are cut.
    """
    side = min(width, height) * share
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def reduction(part: tuple[float, float, float, float], size: int) -> int:
    """Return the factor (1, 2, 4 or 8) by which decoding may shrink a JPEG so that the part still has `size` pixels."""
    factor = int(min(part[2] - part[0], part[3] - part[1])) // size
    return 1 << min(3, factor.bit_length() - 1) if factor > 1 else 1
