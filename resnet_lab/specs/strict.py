"""The base class of every spec, and the types of values that specs share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Whole = Annotated[int, Field(ge=1)]


class Strict(BaseModel):
    """A spec: a pydantic model that refuses unknown keys, values of another type and numbers that are not finite."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


def named(value: object) -> object:
    """`cosine` as `{name: cosine}`."""
    return {"name": value} if isinstance(value, str) else value


def listed(value: object) -> object:
    """One word as a list of this word."""
    return [value] if isinstance(value, str) else value


def named_or(default: str) -> Callable[[object], object]:
    """A validator for a choice of classes by name: a word is the name, and a mapping without a name has the default."""

    def complete(value: object) -> object:
        value = named(value)
        return {"name": default, **value} if isinstance(value, dict) else value

    return complete
