"""Equal cost: change a variant's width, depth or an option of its block until it costs what the baseline costs.

The search builds networks as data and imports no framework. docs/matching.md states its steps.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator

from ..base.errors import LabError
from ..network.graph import Graph, Shape
from .strict import Strict
from .variant import Variant, changed, validate

TOLERANCE = {"macs": 0.01, "params": 0.01, "latency": 0.05}
"""The largest relative difference from the baseline's cost at which two networks count as equally expensive."""

_MEASURED = 0.015
"""Two latencies that differ by less than this share are not told apart by a measurement."""

_NAMES = {"macs": "multiply-adds", "params": "parameters", "latency": "times the baseline's latency"}
_LARGEST = 2**16

Sizes = tuple[int, ...]
"""The whole numbers that the search changes: the channels of stem and stages, the repeats, or one option."""


Layers = list[tuple[str, str, tuple[str, ...]]]
"""The name, the op and the inputs of each layer."""


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
    """

    variant: Variant
    graph: Graph
    note: str
    cost: float
    target: float
    values: Mapping[str, int] = field(default_factory=dict)
    key: str = ""

    @property
    def summary(self) -> str:
        """The variant, what was changed, and both costs, in one line."""
        what = self.note.partition(":")[0]
        return f"{self.variant.name} is matched in {self.note} ({cost_text(what, self.cost, self.target)})"

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
    search = _Search(variant, spec, input, classes, cost, target)
    written = variant.graph(input, classes)
    if search.is_near(cost(written)):
        return Matched(variant, written, f"{spec.what}: as written", cost(written), target)
    sizes, note = {"width": _by_width, "depth": _by_depth}.get(spec.by, _by_option)(search)
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


@dataclass
class _Search:
    """Builds the variant with other sizes, and remembers what each costs."""

    variant: Variant
    spec: MatchSpec
    input: Shape
    classes: int
    cost: Callable[[Graph], float]
    target: float
    keys: tuple[str, ...] = ()
    """The key of the spec that each size belongs to."""
    layers: Layers | None = None
    """The layers that a network must have to count; a change of width has to leave them as they are."""
    problem: LabError | None = None
    """Why the last sizes that do not work do not."""
    _costs: dict[Sizes, float] = field(default_factory=dict)

    def graph(self, sizes: Sizes) -> Graph | None:
        """The network with these sizes; None where there is none, or where its layers are others."""
        try:
            values = dict(zip(self.keys, sizes, strict=True))
            found = validate(self.variant.name, changed(self.variant.document, values))
            graph = found.graph(self.input, self.classes)
        except LabError as error:  # groups that do not divide the channels, or a gate without features
            self.problem = error
            return None
        return graph if self.layers in (None, _layers(graph)) else None

    def cost_of(self, sizes: Sizes) -> float:
        """What the network with these sizes costs; NaN where there is no such network."""
        if sizes not in self._costs:
            graph = self.graph(sizes)
            self._costs[sizes] = math.nan if graph is None else self.cost(graph)
        return self._costs[sizes]

    def is_near(self, cost: float) -> bool:
        """Whether a cost counts as equal to the baseline's."""
        return abs(cost / self.target - 1) <= TOLERANCE[self.spec.what]

    def is_measured_equal(self, tried: Iterable[Sizes]) -> bool:
        """Whether one of some sizes is so near that a measurement tells no more; a count is always worth a step."""
        return self.spec.what == "latency" and any(abs(self.cost_of(sizes) - 1) <= _MEASURED for sizes in tried)

    def nearest(self, tried: Iterable[Sizes]) -> Sizes:
        """The sizes whose cost is nearest to the baseline's, the first of several."""
        working = [sizes for sizes in tried if not math.isnan(self.cost_of(sizes))]
        if not working:
            assert self.problem is not None
            raise self.problem
        return min(working, key=lambda sizes: abs(self.cost_of(sizes) - self.target))


def _layers(graph: Graph) -> Layers:
    return [(node.name, node.op, node.inputs) for node in graph.nodes]


def _by_width(search: _Search) -> tuple[Sizes, str]:
    stages = search.variant.spec.stages
    start = (search.variant.spec.stem.channels, *(stage.channels for stage in stages))
    search.keys = ("stem.channels", *(f"stages.{number}.channels" for number in range(1, len(start))))
    search.layers = _layers(search.variant.graph(search.input, search.classes))
    step = _step(search, start)
    factor, common = _one_factor(search, start, step)
    # Where the stem is as wide as the first stage, no projection joins them, so they can only change together.
    equal = [(index, index + 1) for index in range(len(start) - 1) if start[index] == start[index + 1]]
    sizes = _one_by_one(search, common, step, [*((index,) for index in range(len(start))), *equal])
    parts = ["stem", *(f"stage{number}" for number in range(1, len(start)))]
    apart = [f"{part} {size}" for part, size, usual in zip(parts, sizes, common, strict=True) if size != usual]
    return sizes, ", ".join([f"width {factor:.3g}", *apart])


def _by_depth(search: _Search) -> tuple[Sizes, str]:
    start = tuple(stage.repeat for stage in search.variant.spec.stages)
    search.keys = tuple(f"stages.{number}.repeat" for number in range(1, len(start) + 1))
    _, common = _one_factor(search, start, 1)
    sizes = _one_by_one(search, common, 1, [(index,) for index in range(len(start))])
    return sizes, f"depth {'-'.join(map(str, sizes))}"


def _step(search: _Search, start: Sizes) -> int:
    """The finest rounding of the channels that works: 1 unless the groups of a convolution need more."""
    common = math.gcd(*start)
    divisors = [number for number in range(1, common + 1) if common % number == 0]
    works = (step for step in divisors if search.graph(tuple(size + step for size in start)) is not None)
    return next(works, common)


def _one_factor(search: _Search, start: Sizes, step: int) -> tuple[float, Sizes]:
    """Multiply all sizes by one factor, found by bisection; returns the factor whose cost is nearest, and the sizes."""

    def scaled(factor: float) -> Sizes:
        return tuple(max(step, round(factor * size / step) * step) for size in start)

    def is_below(factor: float) -> bool:
        cost = search.cost_of(scaled(factor))
        return math.isnan(cost) or cost < search.target

    low, high = 0.0, 1.0
    tried = {scaled(1.0): 1.0}
    while is_below(high) and high < 64:
        high *= 2
        tried[scaled(high)] = high
    while (high - low) * max(start) > step / 4 and not search.is_measured_equal(tried):
        middle = (low + high) / 2
        tried.setdefault(scaled(middle), middle)
        low, high = (middle, high) if is_below(middle) else (low, middle)
    best = search.nearest(tried)
    return tried[best], best


def _one_by_one(search: _Search, sizes: Sizes, step: int, units: Sequence[tuple[int, ...]]) -> Sizes:
    """Change one unit by one step, each time the change that comes nearest, until the cost is near enough."""
    while not search.is_near(search.cost_of(sizes)):
        moves = [
            tuple(size + sign * step * (index in unit) for index, size in enumerate(sizes))
            for unit in units
            for sign in (-1, 1)
        ]
        best = search.nearest([sizes, *(move for move in moves if min(move) >= step)])
        if best == sizes:
            break
        sizes = best
    return sizes


def _by_option(search: _Search) -> tuple[Sizes, str]:
    """Try the powers of two, then bisect between each two neighbours whose costs lie on both sides of the target."""
    key = search.spec.by.removeprefix("variant.")
    search.keys = (key,)
    powers = [2**power for power in range(_LARGEST.bit_length())]
    tried = set(powers)
    for low, high in itertools.pairwise(powers):
        below = search.cost_of((low,)) < search.target
        if below == (search.cost_of((high,)) < search.target):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            tried.add(middle)
            same = (search.cost_of((middle,)) < search.target) == below
            low, high = (middle, high) if same else (low, middle)
    sizes = search.nearest((value,) for value in sorted(tried))
    return sizes, f"{key} {sizes[0]}"
