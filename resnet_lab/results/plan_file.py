"""The file `plan.json` of a results folder: the trials that its latest sweep was to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import LabError, unknown
from ..base.files import read_json, write_json

PLAN = "plan.json"


@dataclass(frozen=True)
class PlannedTrial:
    """What is known about a trial before it runs.

    Attributes:
        title: the trial in a few words.
        cost: the multiply-adds of one image, or the parameters where the multiply-adds are not known.
        epochs: the number of epochs to train.
        trained: the number of epochs that an earlier sweep had trained when this sweep began.
    """

    title: str
    cost: int
    epochs: int
    trained: int = 0


@dataclass(frozen=True)
class SweepPlan:
    """The trials of a sweep, as they were planned when the sweep began.

    Attributes:
        experiment: the name of the experiment.
        began: the time when the sweep began, in seconds since 1970.
        at_most: whether the verdicts decide how many of the trials run (`seeds: auto`).
        fresh: whether trials that were finished before the sweep began run anew.
        trials: the trials by id, in the order in which they run.
    """

    experiment: str
    began: float
    at_most: bool
    fresh: bool
    trials: Mapping[str, PlannedTrial]


def keep(folder: Path, plan: SweepPlan) -> None:
    """Write the plan into a results folder, in place of the plan of an earlier sweep."""
    trials = {name: list(vars(trial).values()) for name, trial in plan.trials.items()}
    write_json(folder / PLAN, vars(plan) | {"trials": trials})


def read(folder: Path) -> SweepPlan:
    """Read the plan that `keep` wrote.

    Raises:
        LabError: There is no such folder or no plan in it, or the file is damaged.
    """
    try:
        values = read_json(folder / PLAN)
        trials = {name: PlannedTrial(*trial) for name, trial in values["trials"].items()}
        return SweepPlan(**values | {"trials": trials})
    except (FileNotFoundError, NotADirectoryError):
        if not folder.exists():
            places = dict.fromkeys([folder.parent, Path("results")])  # a name is easily given without its folder
            others = [str(other) for place in places for other in place.glob("*") if (other / PLAN).exists()]
            raise LabError(unknown("results folder", folder, others)) from None
        raise LabError(
            f"{folder} holds no plan of a sweep: 'resnet-lab run' writes {PLAN} into results/EXPERIMENT when it begins"
        ) from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise LabError(f"is damaged ({error}); the next 'resnet-lab run' writes it again", file=folder / PLAN) from None
