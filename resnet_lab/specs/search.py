"""Search: networks and recipes that are drawn at random from a space, within bounds.

This module says what a person may write under `search`, and what each draw is; sweeps/sampling.py draws until enough
networks lie within the bounds. docs/search.md is the page for people.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, model_validator

from ..base.condition import Condition
from ..base.errors import LabError, unknown
from .strict import Strict, Whole, listed
from .yamlfile import Document

EXAMPLE = "3.5e9 < macs < 4.5e9"

COSTS = ("macs", "params", "depth")
"""What a condition may compare, beside the keys of the space."""

_MANY = "variant.stages.*."
"""How a key begins that is drawn for each stage by itself."""

_FORMS = "a key is drawn from a list of choices, or from {low: NUMBER, high: NUMBER}, with step or log: true if wanted"

_DIGITS = 4
"""A real number that is drawn has so many significant digits: the mathematical library of another machine may compute
the last bit of a logarithm differently, and the draw must not depend on it."""


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return value


Number = Annotated[int | float, PlainValidator(_number)]


class DrawSpec(Strict):
    """From what the value of one key is drawn: from a list of choices, or from the numbers between two bounds.

    Attributes:
        choices: values with equal probabilities.
        low: the smallest number.
        high: the largest number; whole numbers are drawn if both bounds are whole.
        step: the distance between neighbouring numbers; 1 for whole numbers, and none for real numbers if left out.
        log: whether the logarithm is drawn uniformly, so that 0.01 to 0.1 is as probable as 0.1 to 1.
    """

    choices: Annotated[list[Any], Field(min_length=1)] | None = None
    low: Number | None = None
    high: Number | None = None
    step: Number | None = None
    log: bool = False

    @model_validator(mode="after")
    def _is_complete(self) -> DrawSpec:
        if self.choices is not None:
            if self.model_fields_set != {"choices"}:
                raise ValueError("choices have no low, high, step or log")
        elif self.low is None or self.high is None:
            raise ValueError(_FORMS)
        elif self.low > self.high:
            raise ValueError(f"low, {self.low}, is above high, {self.high}")
        elif self.step is not None and self.step <= 0:
            raise ValueError(f"step is {self.step}: it should be above 0")
        elif self.log and self.low <= 0:
            raise ValueError(f"low is {self.low}: with 'log: true' it should be above 0")
        return self

    def value(self, share: float) -> Any:
        """The value that is drawn.

        Args:
            share: a number that is drawn uniformly from 0 up to, but not including, 1.
        """
        if self.choices is not None:
            return self.choices[int(share * len(self.choices))]
        low, high = self.low, self.high
        assert low is not None
        assert high is not None
        exact = low * (high / low) ** share if self.log else low + (high - low) * share
        step = self.step or (1 if isinstance(low, int) and isinstance(high, int) else None)
        if step is None:
            return min(max(float(f"{exact:.{_DIGITS}g}"), low), high)
        count = math.floor((high - low) / step + 1e-9) + 1
        index = min(count - 1, round((exact - low) / step)) if self.log else int(share * count)
        value = low + index * step
        return value if isinstance(value, int) else float(f"{value:.10g}")


def _choices(value: object) -> object:
    """`[1, 2]` as `{choices: [1, 2]}`; also checks the keys, for which the message is plainer here than pydantic's."""
    if isinstance(value, list):
        return {"choices": value}
    if not isinstance(value, dict):
        raise ValueError(_FORMS)
    for key in value:
        if key not in DrawSpec.model_fields:
            raise ValueError(unknown("key", key, DrawSpec.model_fields))
    return value


def _condition(text: str) -> str:
    try:
        Condition(text, EXAMPLE)
    except LabError as error:
        raise ValueError(error.message) from None
    return text


class HalvingSpec(Strict):
    """Trials are compared after few epochs, and only the best ones train on (ASHA, Li et al. 2018).

    Attributes:
        metric: the column of the epochs by which trials are compared; a test accuracy would flatter what is kept.
        first: the number of epochs after which the trials are compared for the first time.
        factor: one of so many trials trains on, for so many times the epochs.
    """

    metric: Literal["val_accuracy"] = "val_accuracy"
    first: Whole = 1
    factor: Annotated[int, Field(ge=2)] = 3


class SearchSpec(Strict):
    """Networks and recipes that are drawn at random.

    Attributes:
        random: how many samples there are of each variant.
        space: from what each key is drawn. The keys are those of a grid; `variant.stages.*.KEY` is drawn for each
            stage by itself.
        where: conditions on `macs`, `params`, `depth` and the keys of the space, which all samples fulfil.
        seed: another seed gives other draws.
        halving: when trials are stopped before their last epoch; None to train every trial to its end.
    """

    random: Annotated[int, Field(ge=1, le=100_000)]
    space: Annotated[dict[str, Annotated[DrawSpec, BeforeValidator(_choices)]], Field(min_length=1)]
    where: Annotated[list[Annotated[str, AfterValidator(_condition)]], BeforeValidator(listed)] = []
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    halving: HalvingSpec | None = None

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions of `where`."""
        return tuple(Condition(text, EXAMPLE) for text in self.where)

    def keys(self, stages: int) -> dict[str, str]:
        """The keys that are drawn for a network, each with the key of the space that it comes from.

        Args:
            stages: the number of stages of the network.
        """
        found = {key: key for key in self.space if not key.startswith(_MANY)}
        for many in (key for key in self.space if key.startswith(_MANY)):
            for number in range(1, stages + 1):
                found.setdefault(many.replace("*", str(number), 1), many)
        return found

    def written(self, key: str) -> str:
        """The key of the space that a key of a network comes from; the key itself where it comes from none."""
        parts = key.split(".")
        many = ".".join([*parts[:2], "*", *parts[3:]])
        return many if key not in self.space and many in self.space else key

    def draw(self, attempt: int, keys: Mapping[str, str]) -> dict[str, Any]:
        """Draw a value for each key.

        A value depends on the seed, the number of the attempt and its key alone: it is the same on every machine and
        for every variant, and a further key in the space changes no other value.

        Args:
            attempt: the number of the draw, from 0.
            keys: what `keys` gave.
        """
        return {key: self.space[many].value(_share(self.seed, attempt, key)) for key, many in keys.items()}


def _share(seed: int, attempt: int, key: str) -> float:
    """A number that is uniform from 0 up to, but not including, 1."""
    digest = hashlib.sha256(f"{seed} {attempt} {key}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def check(search: SearchSpec, document: Document) -> None:
    """Check that a search fits the other keys of its experiment.

    Args:
        search: the search.
        document: the experiment as written.

    Raises:
        LabError: A condition compares something that is neither a cost nor drawn, a key is also in the grid, or the
            experiment names a baseline.
    """
    if document.value.get("baseline") is not None:
        raise document.error(
            ("baseline",),
            "'baseline' compares single variants, and 'search' draws many networks of each: leave out 'baseline', and "
            "compare the networks with 'resnet-lab compare --edf'",
        )
    for key in document.value.get("grid") or {}:
        if search.written(key) in search.space:
            raise document.error(("grid", key), f"'{key}' is in 'grid' and in 'search.space': leave out one of the two")
    for index, condition in enumerate(search.conditions):
        for name in condition.names:
            if name not in COSTS and search.written(name) not in search.space:
                message = unknown("cost or key of 'space'", name, [*COSTS, *search.space])
                raise document.error(("search", "where", index), f"'{condition.text}': {message}")
