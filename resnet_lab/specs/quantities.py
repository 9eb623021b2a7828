"""Times and amounts of memory as people write them: `2h`, `1h30m`, `8GiB`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

_SECONDS = {"h": 3600, "m": 60, "s": 1}
_BYTES = {"B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4}
_BYTES |= {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


def seconds(text: object) -> float:
    """Read a time such as 2h, 10m, 90s or 1h30m, in seconds.

    Raises:
        ValueError: The value is no time above 0, or has no unit.
    """
    if isinstance(text, str) and re.fullmatch(r"(\d+(\.\d+)?[hms])+", text):
        found = sum(float(number) * _SECONDS[unit] for number, unit in re.findall(r"([\d.]+)([hms])", text))
        if found > 0:
            return found
    raise ValueError(f"{text!r} is not a time such as 2h, 10m, 90s or 1h30m")


def memory(text: object) -> int:
    """Read an amount of memory such as 8GiB or 500MB, in bytes.

    Raises:
        ValueError: The value is no amount above 0, or has no unit.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Za-z]+)", text) if isinstance(text, str) else None
    if found and found[2] in _BYTES and (amount := int(float(found[1]) * _BYTES[found[2]])) > 0:
        return amount
    raise ValueError(f"{text!r} is not an amount of memory such as 8GiB or 500MB")


def duration(value: float) -> str:
    """A time in words for a message: `90 s`, `25 min` or `2 h 5 min`."""
    minutes = round(value / 60)
    if minutes < 2:
        return f"{max(1, round(value))} s"
    hours, rest = divmod(minutes, 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


Seconds = Annotated[float, BeforeValidator(seconds)]
Bytes = Annotated[int, BeforeValidator(memory)]
