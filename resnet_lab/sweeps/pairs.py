"""Runs pairs of a block and its baseline, as many as the time allows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..results.store import is_done, test_images
from ..results.verdict import Verdict, verdicts
from ..specs.experiment import load
from .executors import Executor
from .executors.slots import Jobs
from .plan import plan
from .progress import Silent
from .run import run
from .tryout import LEAST, MOST, SMALLEST_ACCURACY, Tryout

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_SECONDS = 600.0
"""The time for all pairs unless another is asked for."""

_SPARE = 0.95
"""The share of the time left for which pairs are planned, since their times differ."""


@dataclass(frozen=True)
class Outcome:
    """The pairs that were run.

    Attributes:
        table: one row for each trial.
        pairs: how many pairs have been run, by this call and earlier ones.
        planned: how many pairs were planned.
        seconds: the mean time of a pair that this call ran; NaN if it ran none.
        problem: why no verdict can be reached; '' if one can.
    """

    table: pd.DataFrame
    pairs: int
    planned: int
    seconds: float
    problem: str = ""


def run_pairs(
    tried: Tryout,
    at_most: float | None,
    show: Callable[[str], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    jobs: Jobs = None,
    executor: Executor | None = None,
) -> Outcome:
    """Run pairs, a trial of the baseline and a trial of the variant for each seed, until the time is over.

    The first pair is timed, and the number of pairs is chosen by the time that is left, never by the results: a number
    that the results had a say in would make the p-value of the verdict wrong. Pairs that an earlier call has run are
    not run again.

    Args:
        tried: the block in the baseline.
        at_most: the time in seconds. None takes 10 minutes, and keeps the number of pairs that an earlier call chose.
        show: shows one line.
        clock: the time in seconds.
        jobs: how many trials run at once on this machine; see executors/slots.py.
        executor: where the trials run; on this machine if left out.
    """
    end = clock() + (DEFAULT_SECONDS if at_most is None else at_most)
    planned = tried.seeds if at_most is None else None
    pairs, times = 0, list[float]()
    lines = _Lines(show)
    while pairs < (planned or MOST):
        begin = clock()
        if pairs and begin + (_mean(times) if times else 0) > end:
            break
        loaded = load(tried.experiment, [f"seeds={pairs + 1}"])
        is_new = not all(is_done(tried.folder, trial.id) for trial in plan(loaded, results=tried.folder).trials)
        table = run(loaded, tried.folder, lines, jobs=jobs, executor=executor, warn_if_busy=pairs == 0)
        last = table[table["seed"] == pairs]
        pairs += 1
        if is_new:
            times.append(clock() - begin)
            show(_pair_line(last, planned))
        failed = last[~last["status"].isin(["ok", "diverged"])] if pairs > 1 else last[last["status"] != "ok"]
        if len(failed):
            problem = "; ".join(f"{row['variant']}: {row['status']}: {row['reason']}" for _, row in failed.iterrows())
            return Outcome(table, pairs, planned or pairs, _mean(times), problem)
        if planned is None and times:
            planned = min(MOST, pairs + int(max(0.0, end - clock()) * _SPARE / times[0]))
            tried.write(max(planned, LEAST))
            if planned < LEAST:
                break
            show(f"a pair takes {times[0]:.0f} s, so there is time for {planned} pairs")
    problem = "" if pairs >= LEAST else _too_few(pairs, _mean(times))
    return Outcome(table, pairs, planned or pairs, _mean(times), problem)


def judged(tried: Tryout, table: pd.DataFrame) -> list[Verdict]:
    """The verdicts on the block: test accuracy, speed of training, parameters and multiply-adds, in this order.

    Args:
        tried: the block in the baseline.
        table: the trials of `run_pairs`.
    """
    metrics = ("test_accuracy", "train_images_per_s", "params", "macs")
    smallest = {"test_accuracy": SMALLEST_ACCURACY}
    return verdicts(table, tried.baseline, metrics, smallest, images=partial(test_images, tried.folder))


def _mean(times: Sequence[float]) -> float:
    return sum(times) / len(times) if times else math.nan


def _too_few(pairs: int, seconds: float) -> str:
    need = math.ceil(seconds * (LEAST - pairs + 1) / 60)
    return (
        f"there was time for {pairs} pair{'s' * (pairs > 1)}, and with fewer than {LEAST} no difference can be "
        f"significant: a pair takes {seconds:.0f} s, so --at-most {need}m would be enough to go on to {LEAST}"
    )


def _pair_line(rows: pd.DataFrame, planned: int | None) -> str:
    """'pair 3 of 14: resnet18 0.9833, resnet18_se_basic 0.9806'."""
    number = int(rows["seed"].iloc[0]) + 1
    figures = [
        f"{row['variant']} {row['test_accuracy']:.4f}" if row["status"] == "ok" else f"{row['variant']} {row['status']}"
        for _, row in rows.iterrows()
    ]
    return f"pair {number}{f' of {planned}' if planned else ''}: {', '.join(figures)}"


class _Lines(Silent):
    """Shows each note of the sweeps once: every pair is a sweep, which says again where it runs."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self.show, self.shown = show, set[str]()

    def note(self, text: str) -> None:
        if text not in self.shown:
            self.show(text)
        self.shown.add(text)
