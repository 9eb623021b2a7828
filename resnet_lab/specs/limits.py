"""What a trial may use, and the limits at which a trial or a whole sweep is ended."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .quantities import Bytes, Seconds
from .strict import Strict, Whole


class LimitsSpec(Strict):
    """When a trial or the sweep is ended, and how often a trial whose worker died is tried again.

    Attributes:
        trial: the longest time of one trial, in seconds; written as `2h` or `90s`. The trial then is `timed_out`.
        sweep: the longest time of the whole run, in seconds. Trials that run are ended, and go on in the next run.
        memory: the most memory of one trial's processes, in bytes; written as `8GiB`.
        retries: how often a trial is tried again after its worker crashed, was killed, or ran out of memory.
    """

    trial: Seconds | None = None
    sweep: Seconds | None = None
    memory: Bytes | None = None
    retries: Annotated[int, Field(ge=0, le=100)] = 1


class ResourcesSpec(Strict):
    """What one trial uses of a machine, so that several fit beside each other.

    Attributes:
        cpu: the CPU threads of a trial; None for an equal share of the cores.
        gpu: the share of a GPU that a trial uses: with 0.25, four trials share one GPU.
    """

    cpu: Whole | None = None
    gpu: Annotated[float, Field(gt=0, le=1)] = 1.0
