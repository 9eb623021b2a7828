"""Draws the samples of a search: different networks and recipes that fulfil all conditions."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..base.condition import Condition
from ..base.errors import LabError
from ..network.graph import Graph, GraphError, Shape
from ..specs.experiment import Experiment, ExperimentSpec
from ..specs.part_costs import Costs, PartCosts
from ..specs.search import COSTS, SearchSpec
from ..specs.variant import Variant
from ..specs.yamlfile import KeyPath
from .grid_options import GridOptions
from .networks import Networks, overrides

PATIENCE = 1000
"""A search gives up where fewer than one in so many draws is a sample."""

_LOOKED_AT = 50
"""So many draws are looked at for options that no block takes."""

_SEARCH: KeyPath = ("search",)
_NO_NETWORK = "no network can be built"
_REPEATED = "the same values had been drawn before"


@dataclass
class Sampler:
    """Draws the samples of one variant at one point of the grid.

    Attributes:
        experiment: the experiment.
        search: its search.
        networks: where the networks are built; those of the samples are kept there.
        options: which options of blocks the variants take.
        images: gives the shape of the images and the number of classes that a variant has under a spec.
        name: the variant, as the experiment names it.
        swept: the values of the grid at this point.
    """

    experiment: Experiment
    search: SearchSpec
    networks: Networks
    options: GridOptions
    images: Callable[[ExperimentSpec, Variant], tuple[Shape, int]]
    name: str
    swept: Mapping[str, Any]
    _drawn: set[str] = field(default_factory=set)
    _rejected: Counter[tuple[KeyPath, str]] = field(default_factory=Counter)
    """How often each reason has rejected a draw; a reason is a place in the experiment's file and a clause."""
    _problem: str = ""
    """Why the network that failed last cannot be built."""

    def __post_init__(self) -> None:
        self._base = self.networks.variant(self.name, overrides(self.swept))
        self._keys = self.search.keys(len(self._base.spec.stages))
        placed = [(("search", "where", index), one) for index, one in enumerate(self.search.conditions)]
        self._early = [(place, one) for place, one in placed if set(one.names) <= self._keys.keys()]
        self._late = [both for both in placed if both not in self._early]
        self._parts = PartCosts(lambda changes: self.networks.build(self.name, changes))
        self._has_parts = bool(self._late) and not {"variant.stages", "variant.input"} & {*self._keys, *self.swept}

    @cached_property
    def _usual_images(self) -> tuple[Shape, int]:
        """What `images` gives where neither the grid nor the search changes the data or the recipe."""
        return self.images(self.experiment.spec, self._base)

    def samples(self) -> Iterator[dict[str, Any]]:
        """Yield the drawn values of each sample by key. Sample n is the same however many samples are wanted.

        Raises:
            LabError: Too few draws are samples; the message says what rejected most of them. Or a value of the recipe
                or of the data is wrong.
        """
        found = 0
        for attempt in itertools.count():
            if found == self.search.random:
                return
            if attempt == PATIENCE * (found + 1):
                raise self._too_few(found, attempt)
            drawn = self.search.draw(attempt, self._keys)
            reason = self._rejection(drawn)
            if reason is None:
                found += 1
                yield drawn
            else:
                self._rejected[reason] += 1

    def _rejection(self, drawn: Mapping[str, Any]) -> tuple[KeyPath, str] | None:
        """Why a draw is no sample; None where it is one, whose network is then kept."""
        if not self._is_new(drawn):
            return _SEARCH, _REPEATED
        failed = self._failed(self._early, drawn)
        if failed is not None:
            return failed
        point = {**self.swept, **drawn}
        spec = self.experiment.at(point)
        images = self._usual_images if spec is self.experiment.spec else self.images(spec, self._base)
        try:
            costs = self._quick_costs(overrides(point), *images)
        except GraphError as error:
            return self._no_network(error)
        failed = None if costs is None else self._failed(self._late, {**_costs(costs), **drawn})
        return failed or self._rejection_of_network(drawn, point, spec)

    def _rejection_of_network(
        self, drawn: Mapping[str, Any], point: Mapping[str, Any], spec: ExperimentSpec
    ) -> tuple[KeyPath, str] | None:
        """The same as `_rejection`, for a draw of which only the whole network can tell."""
        changes = overrides(point)
        try:
            variant = self.networks.build(self.name, changes)
            graph = variant.graph(*self.images(spec, variant))
        except LabError as error:
            return self._no_network(error)
        failed = self._failed(self._late, {**_costs(graph), **drawn})
        if failed is not None:
            return failed
        if not self._is_new([graph.digest, {key: point[key] for key in point if key.partition(".")[0] != "variant"}]):
            return _SEARCH, "the same network had been drawn before"
        self.networks.keep(self.name, changes, variant, graph)
        return None

    def _no_network(self, error: LabError) -> tuple[KeyPath, str]:
        self._problem = error.message
        return _SEARCH, _NO_NETWORK

    def _quick_costs(self, changes: Mapping[str, Any], shape: Shape, classes: int) -> Costs | None:
        """The costs of a network without building it; None where they are not needed, or only the network tells them.

        Raises:
            GraphError: There is no such network.
        """
        if not self._has_parts:
            return None
        try:
            return self._parts.of(changes, shape, classes)
        except GraphError:
            raise
        except LabError:  # a stage may be valid only together with the changes of the others
            return None

    def _check_options(self) -> None:
        """Check that the networks of some draws take every option: one that none takes makes equal networks."""
        for attempt in range(_LOOKED_AT):
            point = {**self.swept, **self.search.draw(attempt, self._keys)}
            with suppress(LabError):
                self.options.reaching(self.networks.build(self.name, overrides(point)), point)
        self.options.check()

    def _is_new(self, content: object) -> bool:
        text = repr(content)
        is_new = text not in self._drawn
        self._drawn.add(text)
        return is_new

    def _failed(
        self, conditions: Sequence[tuple[KeyPath, Condition]], values: Mapping[str, Any]
    ) -> tuple[KeyPath, str] | None:
        """The first condition that does not hold, as a reason."""

        def value_of(name: str) -> Any:
            if values.get(name) is None:
                raise LabError(f"'{name}' is not known for {self.name}")
            return values[name]

        for place, condition in conditions:
            try:
                holds = condition.evaluate(value_of)
            except LabError as error:
                raise self.experiment.document.error(place, error.message) from None
            if not holds:
                return place, f"'{condition.text}' does not hold"
        return None

    def _too_few(self, found: int, attempts: int) -> LabError:
        self._check_options()
        if not found:  # then every repeated draw had been rejected for another reason, which is the one to tell
            del self._rejected[_SEARCH, _REPEATED]
        ((place, reason), count) = self._rejected.most_common(1)[0]
        last = f" ({self._problem})" if reason == _NO_NETWORK else ""
        return self.experiment.document.error(
            place,
            f"the search found {found} of {self.search.random} samples of {self.name} in {attempts:,} draws; of these, "
            f"{count:,} were rejected because {reason}{last}",
        )


def _costs(network: Graph | Costs) -> dict[str, Any]:
    """The costs that conditions compare."""
    return {name: getattr(network, name) for name in COSTS}
