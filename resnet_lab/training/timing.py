"""Take times: warm up until they agree, then take samples, of one function or of several in turns.

All measurements of this package are taken by the functions of this module. A sample is a function that does the work
once, waits until the device has finished, and returns the seconds that the work took.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Call = Callable[[], object]
"""Does the work once; returns when the device has finished."""

Sample = Callable[[], float]
"""Does the work once; returns the seconds that it took, when the device has finished."""

LEAST = 30
"""The number of samples from which on percentiles and intervals are reported."""

AGREE = 0.1
"""Two windows of a warm-up agree if their medians differ by less than this share of the earlier one."""


@dataclass(frozen=True)
class Times:
    """The times of a measurement.

    Attributes:
        seconds: the seconds of each sample, in the order in which they were taken.
        settled: whether the last two windows of the warm-up agreed.
    """

    seconds: tuple[float, ...]
    settled: bool = True

    def percentile(self, percent: float) -> float:
        """The time in seconds which this percentage of the samples does not exceed; between samples, interpolated."""
        return float(np.percentile(self.seconds, percent))

    @property
    def median(self) -> float:
        """The median in seconds."""
        return self.percentile(50)

    @property
    def spread(self) -> float:
        """The distance between the quartiles (p75 - p25) as a share of the median."""
        return (self.percentile(75) - self.percentile(25)) / self.median


def stopwatch(call: Call) -> Sample:
    """Make a sample of a function: the time of the whole call counts."""

    def sample() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return sample


def settle(sample: Sample, *, window: int = 1, agree: float = AGREE, most: int = 8) -> tuple[float, bool]:
    """Warm up: take samples in windows until the medians of two successive windows agree.

    Args:
        sample: what is measured.
        window: the number of samples in a window.
        agree: by how much the medians of two windows may differ, as a share of the earlier one.
        most: the largest number of windows after the first.

    Returns:
        The median of the last window in seconds, and whether it agreed with the one before it.
    """
    last = statistics.median(sample() for _ in range(window))
    for _ in range(most):
        now = statistics.median(sample() for _ in range(window))
        settled = abs(now - last) < agree * last
        last = now
        if settled:
            return last, True
    return last, False


def measure(
    sample: Sample,
    *,
    window: int = 1,
    agree: float = AGREE,
    warmups: int = 8,
    least: int = 5,
    most: int = 50,
    seconds: float = 2.0,
) -> Times:
    """Warm up as `settle` does, then take samples.

    Args:
        sample: what is measured.
        window, agree: as for `settle`.
        warmups: the largest number of windows of the warm-up after the first.
        least: the smallest number of samples.
        most: the largest number of samples.
        seconds: the measurement ends after this time, but not before there are `least` samples.
    """
    _, settled = settle(sample, window=window, agree=agree, most=warmups)
    (times,) = in_turns([sample], least=least, most=most, seconds=seconds)
    return Times(times, settled)


def in_turns(
    samples: Sequence[Sample], *, least: int = LEAST, most: int = 50, seconds: float = 2.0
) -> list[tuple[float, ...]]:
    """Take samples in turns (A, B, A, B, ...), so that a change of the machine's speed meets all alike.

    The order is the same in each turn: so each sample follows another network, and finds the processor's caches as
    cold as the others do.

    Args:
        samples: what is measured, already warm.
        least: the smallest number of turns.
        most: the largest number of turns.
        seconds: the measurement ends after this time, but not before there are `least` turns.

    Returns:
        For each of `samples` its seconds, one value for each turn.
    """
    turns: list[list[float]] = []
    end = time.perf_counter() + seconds
    while len(turns) < most and (len(turns) < least or time.perf_counter() < end):
        turns.append([sample() for sample in samples])
    return list(zip(*turns, strict=True))
