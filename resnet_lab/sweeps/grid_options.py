"""Options of blocks in the grid of an experiment: they apply to the variants whose blocks take them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..base.errors import unknown
from ..blocks.registry import BLOCKS
from ..specs.experiment import Experiment
from ..specs.extends import STAGE_KEYS
from ..specs.variant import Variant

_PREFIX = "variant."


@dataclass
class GridOptions:
    """Which variants take which options of the grid.

    A variant without a block that takes an option is trained once, and not once for each value of the option. So a
    baseline and a grid over an option of a new block share an experiment.
    """

    experiment: Experiment
    _taken: set[str] = field(default_factory=set)
    _not_taken: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """For each key: the names of the variants that do not take it, and the blocks of each."""
    _seen: set[str] = field(default_factory=set)

    def reaching(self, variant: Variant, swept: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of one point of the grid without the options that the variant does not take."""
        reaching = {}
        for key, value in swept.items():
            if key.startswith(_PREFIX) and not variant.takes(key.removeprefix(_PREFIX)):
                self._not_taken.setdefault(key, {})[variant.name] = [stage.block for stage in variant.spec.stages]
            else:
                self._taken.add(key)
                reaching[key] = value
        return reaching

    def is_new(self, variant: int, engine: str, reaching: Mapping[str, Any]) -> bool:
        """Whether a variant meets these values of the grid, without options that it does not take, for the first time.

        Args:
            variant: the number of the variant in the experiment.
            engine: the engine.
            reaching: what `reaching` returned.
        """
        key = json.dumps([variant, engine, reaching])
        is_new = key not in self._seen
        self._seen.add(key)
        return is_new

    def check(self) -> None:
        """Check, after the last point of the grid, that each option is taken by at least one variant.

        Raises:
            LabError: No variant takes an option; with the line of the grid and the nearest correct name.
        """
        for key, variants in self._not_taken.items():
            if key in self._taken:
                continue
            blocks = sorted({block for names in variants.values() for block in names})
            known = {name for block in blocks for name in BLOCKS.get(block).options} | set(STAGE_KEYS)
            named = ", ".join(f"'{block}'" for block in blocks)
            message = unknown(f"option of block{'s' * (len(blocks) > 1)} {named}:", key.rpartition(".")[2], known)
            raise self.experiment.document.error(self.experiment.place(key), message)

    def notes(self) -> tuple[str, ...]:
        """Return a line for each option of the grid that some of the variants do not take."""
        return tuple(
            f"where no block of {' or '.join(variants)} takes '{key.rpartition('.')[2]}', it is trained once, not once "
            "for each value of the grid"
            for key, variants in self._not_taken.items()
            if key in self.experiment.spec.grid
        )
