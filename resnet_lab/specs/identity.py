"""What of a spec decides a trial's outcome: the part of it that enters the trial's id.

The rule has three parts.

1. A required field always enters. Any other field enters only where its value differs from its default, so an option
   that is added later changes the id of no trial that does not set it. The default of a field must therefore never be
   changed; the golden file of ids in the tests holds this.
   A field that is marked `Outcome(always=True)` enters with its default too: a name that tells classes apart.
2. A field that is marked `Outcome(decides=False)` never enters: it says how the same arithmetic is carried out.
3. A field that is marked `Outcome(normalise=function)` enters as `function(value)`: values that mean the same count as
   the same.

The same marks say which settings are columns of the results table, where a setting stands with its default too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True)
class Outcome:
    """How a field counts in the identity of its spec; stands in the field's `Annotated`.

    Args:
        decides: whether the field decides the outcome of a trial.
        always: whether the field enters even where it has its default.
        normalise: a function that gives equal values for settings with equal outcomes.
    """

    decides: bool = True
    always: bool = False
    normalise: Callable[[Any], Any] | None = None


def identity(spec: BaseModel) -> dict[str, Any]:
    """The fields of a spec that decide the outcome of a trial, as JSON values; see the rule above.

    Args:
        spec: a spec; the specs inside it are treated in the same way. Keys that its class does not declare (the
            options of a dataset) always enter.

    Returns:
        A mapping from field names to JSON values.
    """
    kept: dict[str, Any] = {}
    plain = spec.model_dump(mode="json")
    for name, mark, default in _deciding_fields(type(spec)):
        value = getattr(spec, name)
        if default is not _REQUIRED and not mark.always and value == default:
            continue
        if mark.normalise is not None:
            kept[name] = mark.normalise(value)
        else:
            kept[name] = identity(value) if isinstance(value, BaseModel) else plain[name]
    return kept | {name: plain[name] for name in spec.__pydantic_extra__ or {}}


def columns(spec: BaseModel, prefix: str) -> dict[str, Any]:
    """Every setting of a spec that decides the outcome, as columns of a table.

    Args:
        spec: a spec; the specs inside it are treated in the same way, and their keys are joined with dots. A spec
            inside it that declares no field of its own (the augmentations) is one column.
        prefix: the key of the spec itself, such as `train`.

    Returns:
        A mapping from dotted keys such as `train.optimizer.lr` to values, defaults among them: a text, a number, a
        truth value or None stays as it is, and anything else is JSON text.
    """
    found: dict[str, Any] = {}
    for name, mark, _ in _deciding_fields(type(spec)):
        value = getattr(spec, name)
        if isinstance(value, BaseModel) and type(value).model_fields:
            found |= columns(value, f"{prefix}.{name}")
        elif isinstance(value, BaseModel):  # a spec of free keys alone, which would have no column where it is empty
            found[f"{prefix}.{name}"] = json.dumps(value.model_dump(mode="json"), sort_keys=True)
        else:
            found[f"{prefix}.{name}"] = cell(mark.normalise(value) if mark.normalise else value)
    return found | {f"{prefix}.{name}": cell(value) for name, value in (spec.__pydantic_extra__ or {}).items()}


def cell(value: Any) -> Any:
    """The value of a setting as one cell of a table; a list or a mapping becomes JSON text."""
    return value if value is None or isinstance(value, (str, int, float, bool)) else json.dumps(value)


_REQUIRED = object()
"""Stands for the default of a field that has none."""


@cache
def _deciding_fields(kind: type[BaseModel]) -> tuple[tuple[str, Outcome, Any], ...]:
    """The declared fields of a class of specs that decide the outcome, each with its mark and its default."""
    found = []
    for name, field in kind.model_fields.items():
        mark = next((item for item in field.metadata if isinstance(item, Outcome)), Outcome())
        if mark.decides:
            default = _REQUIRED if field.is_required() else field.get_default(call_default_factory=True)
            found.append((name, mark, default))
    return tuple(found)
