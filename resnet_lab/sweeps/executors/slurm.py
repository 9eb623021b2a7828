"""SLURM clusters: how the trials of an experiment are submitted as jobs, through submitit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...base import hardware
from ...base.errors import LabError
from ...results.trial_folder import has_result
from ...specs import quantities
from . import Executor
from .cluster import Need
from .slurm_job import JOB, forget
from .slurm_queue import Slurm

JOBS = "slurm"
"""The folder in an experiment's results folder where submitit keeps the jobs' programs and logs."""

_MOST = 1000
"""The largest number of jobs that wait or run at once; SLURM takes 1,001 jobs in an array if it is set up as usual."""

_TIMEOUTS = 20
"""How often a job is queued again that reached SLURM's limit of time; its trial goes on from its checkpoint."""


@dataclass(frozen=True)
class OnSlurm:
    """A SLURM cluster, and how jobs are submitted to it.

    Attributes:
        settings: options of `sbatch` by their long names, such as `partition` and `account`. Four keys are
            resnet-lab's own: `time` (such as 2h, or minutes), `array_parallelism` (how many jobs of the array run at
            once), `at_once` (how many jobs wait or run at once) and `cluster` (`local` runs the jobs on this machine,
            without SLURM).
    """

    settings: Mapping[str, Any]

    def executor(self, need: Need, folder: Path) -> tuple[Executor, str]:
        """Make the executor; see `Cluster.executor`.

        Raises:
            LabError: submitit or SLURM is not installed, or a setting is missing or wrong.
        """
        try:
            import submitit
        except ImportError:
            raise LabError("--slurm needs submitit: pip install 'resnet-lab[slurm]'") from None
        sbatch = {key.replace("-", "_"): value for key, value in self.settings.items()}
        cluster = sbatch.pop("cluster", "slurm")
        if cluster not in ("slurm", "local"):
            raise LabError(f"--slurm: 'cluster' is slurm or local, not '{cluster}'")
        minutes = _minutes(sbatch.pop("time", None), need)
        at_once = _whole("at_once", sbatch.pop("at_once", hardware.cores() if cluster == "local" else _MOST))
        parallel = _whole("array_parallelism", sbatch.pop("array_parallelism", at_once))
        threads = _whole("cpus_per_task", sbatch.pop("cpus_per_task", need.threads))
        if need.gpus and not {"gres", "gpus", "gpus_per_node", "gpus_per_task"} & set(sbatch):
            sbatch["gpus_per_node"] = math.ceil(need.gpus)
        if need.memory is not None:
            sbatch.setdefault("mem", f"{math.ceil(need.memory / 2**30) + 1}G")  # submitit's own process needs some
        try:
            executor = submitit.AutoExecutor(folder.resolve() / JOBS / "%j", cluster, slurm_max_num_timeout=_TIMEOUTS)
        except RuntimeError as error:
            raise LabError(f"--slurm: {error}") from None
        executor.update_parameters(
            name=f"resnet-lab-{folder.name}",
            timeout_min=minutes,
            cpus_per_task=threads,
            slurm_array_parallelism=parallel,
            slurm_additional_parameters=sbatch,
        )
        for path in folder.glob(f"trials/*/{JOB}"):  # of jobs that have ended since an earlier run was killed
            if has_result(path.parent):
                forget(path.parent)
        options = "".join(f" --{key.replace('_', '-')}={value}" for key, value in sbatch.items())
        line = f"{cluster}: jobs of at most {minutes} min with {threads} thread(s){options}"
        return Slurm(executor, threads, at_once), line


def _minutes(time: Any, need: Need) -> int:
    """The limit of time of a job in minutes, as the person sets it, else `limits.trial` and 10 minutes."""
    if time is None and need.seconds is None:
        raise LabError("a job of SLURM needs a limit of time: --slurm time=2h, or 'limits: {trial: 2h}'")
    if time is None:
        return math.ceil((need.seconds or 0) / 60) + 10
    if isinstance(time, int) and not isinstance(time, bool) and time > 0:
        return time
    try:
        return math.ceil(quantities.seconds(time) / 60)
    except ValueError as error:
        raise LabError(f"--slurm time: {error}, or a number of minutes") from None


def _whole(key: str, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise LabError(f"--slurm {key} is a number from 1, not '{value}'")
