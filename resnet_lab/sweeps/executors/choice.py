"""Which cluster a person asked for, if any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...base.errors import LabError
from .cluster import Cluster
from .slots import Jobs


def choose(ray: str | None, slurm: Mapping[str, Any] | None, jobs: Jobs = None) -> Cluster | None:
    """Find the cluster that a person asks for.

    Args:
        ray: `local` for a Ray cluster on this machine that lasts as long as the run, or the address of a Ray cluster.
        slurm: the settings of SLURM's jobs.
        jobs: how many trials run at once on this machine.

    Returns:
        The cluster; None where the trials run on this machine, without any.

    Raises:
        LabError: Two of the three are asked for.
    """
    asked = [name for name, value in (("--ray", ray), ("--slurm", slurm), ("--jobs", jobs)) if value is not None]
    if len(asked) > 1:
        raise LabError(f"{asked[0]} and {asked[1]} exclude each other: each says where trials run")
    if ray is not None:
        from .ray import OnRay

        return OnRay(None if ray == "local" else ray)
    if slurm is not None:
        from .slurm import OnSlurm

        return OnSlurm(slurm)
    return None
