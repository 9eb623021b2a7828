"""The latency of a network relative to another, measured in turns on one engine, device and batch."""

from __future__ import annotations

import statistics

import numpy as np

from .. import engines
from ..base.errors import LabError
from ..network.graph import Graph
from ..network.initial import initial
from .timing import Call, in_turns, stopwatch
from .trial import Place

_QUIET = 0.02
"""On a quiet machine the baseline, timed in turns with itself, differs from itself by at most this share."""

_TRIES = 3
"""How often the baseline is timed with itself before the machine counts as busy: what disturbs it may end soon."""


def ratios(first: Call, second: Call, *, seconds: float = 1.5, turns: int = 40) -> list[float]:
    """Time two functions in turns, so that a change of the machine's speed meets both.

    Args:
        first: a function that returns when the device has finished.
        second: another.
        seconds: the measurement ends after this time, but not before nine turns.
        turns: the largest number of turns.

    Returns:
        For each turn the time of the second over that of the first.
    """
    for _ in range(3):  # the first calls also compile
        first(), second()
    both = in_turns([stopwatch(first), stopwatch(second)], least=9, most=turns, seconds=seconds)
    return [later / earlier for earlier, later in zip(*both, strict=True)]


class Latency:
    """Measures the time of inference of one batch, relative to that of a baseline.

    Args:
        engine: the name of the engine.
        place: the device, the compile mode and the threads.
        precision: the precision of computation.
        batch: the number of images in a batch.
        baseline: the network that others are compared with.
    """

    def __init__(self, engine: str, place: Place, precision: str, batch: int, baseline: Graph) -> None:
        self.engine, self.place, self.precision, self.batch = engines.get(engine), place, precision, batch
        self.engine.use_threads(place.threads)
        self.baseline = baseline
        self._reference = self._call(baseline)

    def _call(self, graph: Graph) -> Call:
        model = self.engine.build(graph, self.place.device, self.precision, self.place.compile)
        model.load(initial(graph, 0))
        images = np.random.default_rng(0).standard_normal((self.batch, *graph.input), dtype=np.float32)
        return lambda: model.predict(images)

    def __call__(self, graph: Graph) -> float:
        """The median over the turns of the network's time over the baseline's."""
        return statistics.median(ratios(self._reference, self._call(graph)))

    def check_quiet(self) -> None:
        """Check that the baseline takes as long as itself.

        Raises:
            LabError: It does not: something else runs on the machine, and no latency can be matched.
        """
        for _ in range(_TRIES):
            ratio = self(self.baseline)
            if abs(ratio - 1) <= _QUIET:
                return
        raise LabError(
            f"the latency cannot be matched now, since the machine is not quiet: timed in turns, the baseline took "
            f"{ratio:.3f} times as long as itself; try again when nothing else runs, or match macs"
        )
