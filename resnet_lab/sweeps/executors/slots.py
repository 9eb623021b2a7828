"""Divides the cores and GPUs of a machine among the trials that run on it side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ...base import hardware
from ...base.errors import LabError
from ...specs.limits import ResourcesSpec
from ...training.trial import Place

Jobs = int | Literal["auto"] | None
"""How many trials run at once: a number, `auto` for as many as the machine carries, or None for one."""


@dataclass(frozen=True)
class Slot:
    """The part of a machine that one trial at a time uses.

    Attributes:
        threads: the CPU threads of the trial; None leaves them to the trial's place.
        gpu: the number of the GPU for a trial that runs on one; None leaves the device to the trial's place.
        share: the share of that GPU.
    """

    threads: int | None = None
    gpu: int | None = None
    share: float = 1.0

    def placed(self, place: Place) -> Place:
        """The place of a trial that runs in this slot."""
        threads = self.threads or place.threads
        if self.gpu is None or not place.device.startswith("gpu"):
            return replace(place, threads=threads)
        return replace(place, threads=threads, device=f"gpu:{self.gpu}", share=self.share)


def divided(
    jobs: Jobs, resources: ResourcesSpec, *, threads: int | None = None, gpus: Sequence[int] = (), trials: int = 1
) -> list[Slot]:
    """Divide this machine among trials.

    Args:
        jobs: how many trials run at once. `auto` on GPUs is as many as `resources.gpu` lets share them, and without
            GPUs one for each core or for each `resources.cpu` cores; never more than there are trials.
        resources: what a trial uses.
        threads: the CPU threads of each trial as the command line states them; before those of `resources`.
        gpus: the numbers of the GPUs that the trials run on; empty if they run on the CPU.
        trials: how many trials there are.

    Returns:
        A slot for each trial that runs at once.

    Raises:
        LabError: More trials at once are asked for than the GPUs have shares.
    """
    threads = threads or resources.cpu
    places = [number for _ in range(int(1 / resources.gpu + 1e-9)) for number in gpus]
    if jobs == "auto":
        jobs = len(places) if gpus else max(1, hardware.cores() // (threads or 1))
        jobs = max(1, min(jobs, trials))
    if jobs is None or jobs == 1:
        return [Slot(threads, places[0] if places and resources.gpu < 1 else None, resources.gpu)]
    if gpus and jobs > len(places):
        few = f"{len(gpus)} GPU(s) have room for {len(places)} trial(s) at once"
        raise LabError(
            f"--jobs is {jobs}, but {few}; 'resources: {{gpu: {1 / -(-jobs // len(gpus)):.3g}}}' gives a "
            "trial a smaller share"
        )
    share = threads or hardware.threads_in_use(hardware.threads(jobs))
    return [Slot(share, places[index] if gpus else None, resources.gpu) for index in range(jobs)]
