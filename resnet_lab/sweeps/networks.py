"""The networks of an experiment: each variant with its overrides is read once, and each network is built once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..base.errors import LabError
from ..network.graph import Graph, Shape
from ..specs import workspace
from ..specs.experiment import Experiment
from ..specs.extends import resolve
from ..specs.variant import Variant, changed, validate
from ..specs.yamlfile import Document

_PREFIX = "variant."


def overrides(swept: Mapping[str, Any]) -> dict[str, Any]:
    """Those of some swept values that change the variant, by their keys in the spec of the variant."""
    return {key.removeprefix(_PREFIX): value for key, value in swept.items() if key.startswith(_PREFIX)}


@dataclass
class Networks:
    """Builds the networks of an experiment, and keeps them for the trials that share them."""

    experiment: Experiment
    _specs: dict[str, Document] = field(default_factory=dict)
    """The specs as they are written, by the names of the variants."""
    _variants: dict[str, Variant] = field(default_factory=dict)
    _graphs: dict[tuple[Any, ...], Graph] = field(default_factory=dict)

    def variant(self, name: str, changes: Mapping[str, Any]) -> Variant:
        """The variant of a name with changes, which are the result of `overrides`; built once.

        Raises:
            LabError: As `specs.variant.load`.
        """
        key = json.dumps([name, changes])
        if key not in self._variants:
            self._variants[key] = self.build(name, changes)
        return self._variants[key]

    def graph(self, variant: Variant, input: Shape, classes: int) -> Graph:
        """The network of a variant that `variant` has given, for images of a shape; built once."""
        key = (id(variant), input, classes)  # every variant is kept, so its address is not used again
        if key not in self._graphs:
            self._graphs[key] = variant.graph(input, classes)
        return self._graphs[key]

    def build(self, name: str, changes: Mapping[str, Any]) -> Variant:
        """The same as `variant`, but nothing is kept, so that a search can build many variants and drop most."""
        document = self.experiment.document
        if name not in self._specs:
            self._specs[name] = resolve(workspace.find(name, "variants", beside=Path(document.file).parent))
        marks = {key: document.mark(self.experiment.place(_PREFIX + key)) for key in changes}
        title = workspace.title(name)
        try:
            return validate(title, changed(self._specs[name], changes, marks, where_taken=True))
        except LabError as error:
            if (error.file, error.line) in marks.values():  # the line of the grid does not say which variant it is
                error.message += f"; in the variant '{title}'"
            raise

    def keep(self, name: str, changes: Mapping[str, Any], variant: Variant, graph: Graph) -> None:
        """Keep what `build` has given, and its network."""
        self._variants[json.dumps([name, changes])] = variant
        self._graphs[id(variant), graph.input, graph.output[0]] = graph
