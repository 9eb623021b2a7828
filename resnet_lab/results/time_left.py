"""The arithmetic and the words of the estimate of how long a sweep still takes."""

from __future__ import annotations

from ..specs.quantities import duration


def seconds_left(elapsed: float, done: float, left: float) -> float | None:
    """The time that a sweep still takes, if it goes on as fast as it was so far.

    Args:
        elapsed: the seconds since the sweep began.
        done: the work since then, in any unit: epochs times multiply-adds.
        left: the work that is left, in the same unit.

    Returns:
        The seconds; 0 if no work is left, and None if no work or no time shows the speed.
    """
    if not left:
        return 0.0
    return elapsed * left / done if done and elapsed else None


def in_words(seconds: float | None) -> str:
    """An estimate in words, such as `about 3 min left`; empty for None and for 0."""
    return f"about {duration(seconds)} left" if seconds else ""
