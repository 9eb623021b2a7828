"""What of a spec decides a trial's outcome: the part of it that enters the trial's id.

The rule has three parts.

1. A required field always enters. Any other field enters only where its value differs from its default, so an option
   that is added later changes the id of no trial that does not set it. The default of a field must therefore never be
   changed; the golden file of ids in the tests holds this.
   A field that is marked `Outcome(always=True)` enters with its default too: a name that tells classes apart.
2. A field that is marked `Outcome(decides=False)` never enters: it says how the same arithmetic is carried out.
3. A field that is marked `Outcome(normalise=function)` enters as `function(value)`: values that mean the same count as
   the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
    for name, field in type(spec).model_fields.items():
        mark = next((item for item in field.metadata if isinstance(item, Outcome)), Outcome())
        value = getattr(spec, name)
        default = field.get_default(call_default_factory=True)
        unset = not field.is_required() and not mark.always and value == default
        if unset or not mark.decides:
            continue
        if mark.normalise is not None:
            kept[name] = mark.normalise(value)
        else:
            kept[name] = identity(value) if isinstance(value, BaseModel) else plain[name]
    return kept | {name: plain[name] for name in spec.__pydantic_extra__ or {}}
