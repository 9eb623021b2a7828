"""What a trial needs of a machine, and what every set of machines offers: an executor for an experiment's trials."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ...base.errors import LabError
from ...engines.devices import device_numbers
from ...specs.experiment import Experiment
from ...training.trial import Place
from . import Executor


@dataclass(frozen=True)
class Need:
    """What each trial of an experiment needs of the machine that runs it.

    Attributes:
        device: `auto`, `cpu`, `gpu`, `gpu:0,1` or `cpu:0,1`. The machine that runs the trial decides what `auto` means.
        compile: the experiment's `compile`; the same machine decides what `auto` means.
        threads: the CPU threads.
        gpus: the number of GPUs, below 1 for a share of one GPU; 0 where `device` names no GPU.
        share: the share of each GPU, from `resources.gpu`.
        memory: the limit of memory in bytes; None where there is none.
        seconds: the limit of time; None where there is none.
    """

    device: str
    compile: str
    threads: int
    gpus: float
    share: float
    memory: int | None
    seconds: float | None

    @property
    def place(self) -> Place:
        """The place of a trial, before a machine is known."""
        return Place(self.device, self.compile, self.threads, self.share if self.gpus else 1.0)


class Cluster(Protocol):
    """Machines on which the trials of an experiment can run."""

    def executor(self, need: Need, folder: Path) -> tuple[Executor, str]:
        """Connect to the machines.

        Args:
            need: what each trial needs.
            folder: the results folder of the experiment.

        Returns:
            The executor, and one line for the person that says where the trials run.

        Raises:
            LabError: A package is missing, or the machines cannot be reached or do not have what a trial needs.
        """


def need(experiment: Experiment, device: str | None = None, threads: int | None = None) -> Need:
    """Find out what each trial of an experiment needs of the machine that runs it.

    Args:
        experiment: the experiment, with its `device`, `resources` and `limits`.
        device: the device of the command line, in place of the experiment's.
        threads: the CPU threads of the command line, before `resources.cpu`; one thread where neither is set.

    Raises:
        LabError: The device is unknown, or names a GPU by a number that a cluster does not give out.
    """
    spec = experiment.spec
    mark = ("--device", None) if device else experiment.document.mark(("device",))
    wanted = device or spec.device
    try:
        numbers = device_numbers(wanted)
        if wanted.startswith("gpu") and numbers != list(range(len(numbers))):
            raise LabError(
                f"a cluster chooses the GPUs, and counts those of a trial from 0: write gpu or gpu:0, not {wanted}"
            )
    except LabError as error:
        raise error.at(*mark) from None
    share = spec.resources.gpu
    if len(numbers) > 1 and share < 1:
        told = f"a trial on several devices ({wanted}) cannot have a share of a GPU"
        raise experiment.document.error(("resources", "gpu"), told)
    gpus = share * len(numbers) if wanted.startswith("gpu") else 0.0
    limits = spec.limits
    cpu = threads or spec.resources.cpu or 1
    return Need(wanted, spec.compile, cpu, gpus, share, limits.memory, limits.trial)
