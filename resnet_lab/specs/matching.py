"""Equal cost: change a variant's width, depth or an option of its block until it costs what the baseline costs.

cost_search.py holds the search, and docs/matching.md explains its steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator

from ..base.errors import LabError
from ..network.graph import Graph, Shape
from .cost_search import Search, by_depth, by_option, by_width
from .strict import Strict
from .variant import Variant, changed, validate

TOLERANCE = {"macs": 0.01, "params": 0.01, "latency": 0.05}
"""The largest relative difference from the baseline's cost at which two networks count as equally expensive."""

_MEASURED = 0.015
"""Two latencies that differ by less than this share are not told apart by a measurement."""

_NAMES = {"macs": "multiply-adds", "params": "parameters", "latency": "times the baseline's latency"}


def _known_knob(by: str) -> str:
    if by not in ("width", "depth") and not by.startswith("variant."):
        raise ValueError(f"'{by}' is not width, depth or a key of the variant, such as variant.every_stage.reduction")
    return by


class MatchSpec(Strict):
    """Which cost the variants share with the baseline, and what is changed for that.

    Attributes:
        what: the cost: multiply-adds, trained parameters, or the latency that is measured on this machine.
        by: `width` (the channels of stem and stages), `depth` (the repeats of the stages), or `variant.KEY`: a key of
            the variant that holds a whole number.
    """

    what: Literal["macs", "params", "latency"]
    by: Annotated[str, AfterValidator(_known_knob)] = "width"


def expand(value: object) -> object:
    """`macs` as `{what: macs}`."""
    return {"what": value} if isinstance(value, str) else value


@dataclass(frozen=True)
class Matched:
    """A variant whose cost is the baseline's.

    Attributes:
        variant: the variant with its new values; unchanged where its cost was near enough as written.
        graph: its network.
        note: what was changed, such as `macs: width 0.93`.
        cost: the cost of the network; a latency is relative to the baseline's.
        target: the cost of the baseline.
        values: the new values by dotted key.
        key: what a measured cost was measured of and where, as a hash; '' for a counted cost.
        swept: the values of the grid that the variant had before, by dotted key.
    """

    variant: Variant
    graph: Graph
    note: str
    cost: float
    target: float
    values: Mapping[str, int] = field(default_factory=dict)
    key: str = ""
    swept: Mapping[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The variant with its values of the grid, what was changed, and both costs, in one line."""
        what = self.note.partition(":")[0]
        values = "".join(f" {key.rpartition('.')[2]}={value}" for key, value in self.swept.items())
        return f"{self.variant.name}{values} is matched in {self.note} ({cost_text(what, self.cost, self.target)})"

    def as_yaml(self) -> str:
        """The spec as a file that `describe` reads: it extends nothing, and its input and classes are those matched."""
        spec = dict(self.variant.document.value)
        spec["input"] = "x".join(map(str, self.graph.input))
        spec["head"] = {**spec["head"], "classes": self.graph.output[0]}
        text: str = yaml.safe_dump(spec, sort_keys=False, default_flow_style=None, width=120)
        return f"# {self.summary}\n{text}"


def cost_text(what: str, cost: float, target: float) -> str:
    """'36,870,000 multiply-adds, 0.4 % below the baseline's 37,016,576'."""
    share = cost / target - 1
    apart = f"{abs(share):.2%}".replace("%", " %")
    side = "equal to" if cost == target else f"{apart} {'above' if share > 0 else 'below'}"
    if what == "latency":
        return f"{cost:.3f} {_NAMES[what]}"
    return f"{cost:,.0f} {_NAMES[what]}, {side} the baseline's {target:,.0f}"


def match(
    variant: Variant,
    baseline: Graph,
    spec: MatchSpec,
    input: Shape,
    classes: int,
    latency: Callable[[Graph], float] | None = None,
) -> Matched:
    """Change a variant until its cost is the baseline's.

    Args:
        variant: the variant.
        baseline: the baseline's network.
        spec: which cost, and what is changed.
        input: the shape of an image, (channels, height, width).
        classes: outputs of the head.
        latency: measures a network's latency, relative to that of the baseline; for `what: latency` alone.

    Raises:
        LabError: The cost of a network is not known, or nothing that the search tries comes near enough; the message
            states the nearest.
    """
    cost = _cost(spec.what, latency)
    target = 1.0 if spec.what == "latency" else cost(baseline)
    tolerance, enough = TOLERANCE[spec.what], _MEASURED if spec.what == "latency" else 0.0
    search = Search(variant, input, classes, cost, target, tolerance, enough)
    written = variant.graph(input, classes)
    if search.is_near(cost(written)):
        return Matched(variant, written, f"{spec.what}: as written", cost(written), target)
    if spec.by == "width":
        sizes, note = by_width(search)
    elif spec.by == "depth":
        sizes, note = by_depth(search)
    else:
        sizes, note = by_option(search, spec.by.removeprefix("variant."))
    reached = search.cost_of(sizes)
    if not search.is_near(reached):
        raise LabError(
            f"{variant.name} cannot be matched in {spec.what} by {spec.by}: the nearest is {note}, with "
            f"{cost_text(spec.what, reached, target)}; the limit is {100 * TOLERANCE[spec.what]:g} %"
        )
    values = dict(zip(search.keys, sizes, strict=True))
    result = rebuilt(variant, values, f"{spec.what}: {note}", reached, written)
    return replace(result, target=target)


def rebuilt(variant: Variant, values: Mapping[str, int], note: str, cost: float, written: Graph) -> Matched:
    """Put values that a search found into a variant again; `written` is the network of the variant without them."""
    found = validate(variant.name, changed(variant.document, values))
    return Matched(found, found.graph(written.input, written.output[0]), note, cost, 1.0, values)


def _cost(what: str, latency: Callable[[Graph], float] | None) -> Callable[[Graph], float]:
    """A function that gives the cost of a network."""
    if what == "latency":
        assert latency is not None
        return latency

    def counted(graph: Graph) -> float:
        value = graph.params if what == "params" else graph.macs
        if value is None:
            raise LabError("the multiply-adds of a framework's own module are not known: match params or latency")
        return value

    return counted
