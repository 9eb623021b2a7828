"""The largest batch of a network that the memory of a device holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .. import engines
from ..base import hardware
from ..network.graph import Graph
from .speed import Setting, ready

_MOST = 2**16
"""The largest batch that is tried."""

_SLOWEST = 10.0
"""The seconds of a step above which no larger batch is tried."""


def largest(fits: Callable[[int], bool], most: int = _MOST) -> int:
    """Search the largest batch that fits: double it until it does not fit, then halve the gap to a sixteenth.

    Args:
        fits: says whether a batch size fits.
        most: the largest batch that is tried.

    Returns:
        The largest batch that was tried and fits; 0 if not even one image fits.
    """
    low, high = 0, 1
    while high <= most and fits(high):
        low, high = high, 2 * high
    while high <= most and high - low > max(1, low // 16):
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


class Fits:
    """Tries batches of a network.

    On the CPU a batch is not tried if it would need more than the memory that is free, since the system would end the
    process. What it would need is estimated in proportion from the largest batch that was tried.

    Attributes:
        why: why the last batch that did not fit did not.
    """

    def __init__(self, graph: Graph, setting: Setting) -> None:
        self._graph, self._setting = graph, setting
        self._cpu = setting.place.device == "cpu"
        self.why = f"no batch above {_MOST} is tried"
        self._batch, self._bytes, self._seconds = 1, 0, 0.0  # of the largest batch that fits

    def __call__(self, batch: int) -> bool:
        """Whether a batch fits."""
        engine = engines.get(self._setting.engine)
        if self._seconds * batch / self._batch > _SLOWEST:
            self.why = f"a step of {batch} images would take more than {_SLOWEST:.0f} s"
            return False
        if self._cpu and self._bytes * batch / self._batch > hardware.available_memory():
            self.why = f"{batch} images would need more than the free memory"
            return False
        before = hardware.resident() if self._cpu else 0
        hardware.forget_peak()
        try:
            self._batch, self._bytes, self._seconds = batch, *self._try(batch, before)
        except Exception as error:
            if not engine.out_of_memory(error):
                raise
            self.why = f"{batch} images do not fit into the memory"
            return False
        finally:
            engine.clean_up()
        return True

    def _try(self, batch: int, before: int) -> tuple[int, float]:
        """Run a batch twice; returns the bytes that it needs beside `before`, and the seconds of the second run."""
        model, sample = ready(self._graph, replace(self._setting, batch=batch))
        sample()
        seconds = sample()
        return model.peak_memory() - before, seconds
