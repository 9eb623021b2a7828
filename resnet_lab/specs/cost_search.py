"""Searches the sizes of a variant at which its network costs what another network costs.

The search builds networks as data and imports no framework. docs/matching.md explains its steps.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ..base.errors import LabError
from ..network.graph import Graph, Shape
from .variant import Variant, changed, validate

_LARGEST = 2**16
"""The largest value of an option that is tried."""

Sizes = tuple[int, ...]
"""The whole numbers that the search changes: the channels of stem and stages, the repeats, or one option."""

Layers = list[tuple[str, str, tuple[str, ...]]]
"""The name, the op and the inputs of each layer."""


@dataclass
class Search:
    """Builds the variant with other sizes, and remembers what each costs."""

    variant: Variant
    input: Shape
    classes: int
    cost: Callable[[Graph], float]
    target: float
    tolerance: float
    """The largest relative difference from the target that is near enough."""
    enough: float = 0.0
    """The relative difference below which one more network is not worth its measurement; 0 for counted costs."""
    keys: tuple[str, ...] = ()
    """The key of the spec that each size belongs to."""
    layers: Layers | None = None
    """The layers that a network must have to count; a change of width has to leave them as they are."""
    problem: LabError | None = None
    """Why there is no network with the sizes that failed last."""
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
        return abs(cost / self.target - 1) <= self.tolerance

    def is_enough(self, tried: Iterable[Sizes]) -> bool:
        """Whether one of some sizes is so near that the search can end."""
        return any(abs(self.cost_of(sizes) / self.target - 1) <= self.enough for sizes in tried)

    def nearest(self, tried: Iterable[Sizes]) -> Sizes:
        """The sizes whose cost is nearest to the baseline's, the first of several."""
        working = [sizes for sizes in tried if not math.isnan(self.cost_of(sizes))]
        if not working:
            assert self.problem is not None
            raise self.problem
        return min(working, key=lambda sizes: abs(self.cost_of(sizes) - self.target))


def _layers(graph: Graph) -> Layers:
    return [(node.name, node.op, node.inputs) for node in graph.nodes]


def by_width(search: Search) -> tuple[Sizes, str]:
    """Search the channels of the stem and the stages; returns the sizes, and in words what was changed."""
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


def by_depth(search: Search) -> tuple[Sizes, str]:
    """Search the repeats of the stages; returns them, and in words what was changed."""
    start = tuple(stage.repeat for stage in search.variant.spec.stages)
    search.keys = tuple(f"stages.{number}.repeat" for number in range(1, len(start) + 1))
    _, common = _one_factor(search, start, 1)
    sizes = _one_by_one(search, common, 1, [(index,) for index in range(len(start))])
    return sizes, f"depth {'-'.join(map(str, sizes))}"


def _step(search: Search, start: Sizes) -> int:
    """The finest rounding of the channels that works: 1 unless the groups of a convolution need more."""
    common = math.gcd(*start)
    divisors = [number for number in range(1, common + 1) if common % number == 0]
    works = (step for step in divisors if search.graph(tuple(size + step for size in start)) is not None)
    return next(works, common)


def _one_factor(search: Search, start: Sizes, step: int) -> tuple[float, Sizes]:
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
    while (high - low) * max(start) > step / 4 and not search.is_enough(tried):
        middle = (low + high) / 2
        tried.setdefault(scaled(middle), middle)
        low, high = (middle, high) if is_below(middle) else (low, middle)
    best = search.nearest(tried)
    return tried[best], best


def _one_by_one(search: Search, sizes: Sizes, step: int, units: Sequence[tuple[int, ...]]) -> Sizes:
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


def by_option(search: Search, key: str) -> tuple[Sizes, str]:
    """Search the whole number at a key of the variant; returns it, and in words what was changed.

    The powers of two come first, then a bisection between each two neighbours whose costs lie on both sides of the
    target: the cost may rise or fall with the number.
    """
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
