"""The base class of every spec, and the types of values that specs share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Whole = Annotated[int, Field(ge=1)]


class Strict(BaseModel):
    """A spec: a pydantic model that refuses unknown keys and values of another type."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _changed(spec: Strict, key: str) -> bool:
    """Whether a key has another value than its default.

    What a recipe does not use must not be set: it would change a trial's id, and nothing else.
    """
    return bool(getattr(spec, key) != type(spec).model_fields[key].default)


def named(value: object) -> object:
    """`cosine` as `{name: cosine}`."""
    return {"name": value} if isinstance(value, str) else value
