"""Puts the block of a file into a baseline, and writes the variant and the experiment; pairs.py runs them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml

from ..base.errors import LabError, unknown
from ..base.files import write_text
from ..blocks.registry import BLOCKS
from ..data import DATASETS
from ..network.graph import Graph
from ..network.initial import branch_ends
from ..results.statistics import least_pairs
from ..specs import plugins, variant, workspace
from ..specs.experiment import load
from ..specs.matching import MatchSpec
from . import matched
from .plan import Plan, plan

LEAST = least_pairs(0.05)
"""With fewer pairs no difference can be significant, however large it is."""

MOST = 30
"""More pairs than this are not run, however much time there is."""

SMALLEST_ACCURACY = 0.01
"""The difference in test accuracy that counts as large enough to matter."""

_IMAGES = 4300
"""About how many training images a trial sees in all: several epochs of a small dataset, or a part of a large one."""

_SMALLEST = 32
"""Smaller images are resized to this height and width, since a network for larger ones would leave one pixel."""

_RECIPE = {
    "batch_size": 48,
    "optimizer": {"name": "sgd", "lr": 0.04, "momentum": 0.9, "nesterov": True},
    "schedule": "cosine",
}


@dataclass(frozen=True)
class Tryout:
    """A block that was put into every stage of a baseline.

    Attributes:
        experiment: the file of the experiment, in the folder of its results.
        values: the keys and values of the experiment, without the seeds.
        plan: the trials of one seed.
        baseline: the baseline's name.
        variant: the name of the variant with the block.
        seeds: how many pairs an earlier call planned; None if there was none.
    """

    experiment: Path
    values: Mapping[str, Any]
    plan: Plan
    baseline: str
    variant: str
    seeds: int | None

    @property
    def folder(self) -> Path:
        """The folder of the results."""
        return self.experiment.parent

    @property
    def graphs(self) -> tuple[Graph, Graph]:
        """The networks of the baseline and of the variant, which is the baseline's where both are one network."""
        by_name = {trial.variant: trial.graph for trial in self.plan.trials}
        return by_name[self.baseline], by_name.get(self.variant, by_name[self.baseline])

    def write(self, seeds: int) -> None:
        """Write the experiment with this number of seeds."""
        write_text(self.experiment, _text(self.experiment, self.values, seeds))

    @property
    def is_same_network(self) -> bool:
        """Whether the block makes the network that the baseline is, so that every pair would be exactly equal."""
        return len(self.plan.trials) == 1


def prepare(
    file: Path, *, baseline: str, data: str, results: Path, match: str | None, block: str | None, engine: str
) -> Tryout:
    """Put a block into every stage of a baseline, and write the variant and the experiment.

    Args:
        file: the Python file that registers the block.
        baseline: the name or the path of the variant that the block is put into.
        data: the name of a dataset.
        results: the folder that holds a folder for each experiment.
        match: the cost that is made equal, as an experiment's key `match`; None for no change.
        block: the block's name; may be None if the file registers one block alone.
        engine: the engine.

    Raises:
        LabError: The file registers no such block, or the experiment cannot work.
    """
    costs = get_args(MatchSpec.model_fields["what"].annotation)
    if match is not None and match not in costs:  # before the files of an earlier call are written anew
        raise LabError(unknown("match", match, costs))
    block = _block(file, block)
    base = workspace.find(baseline, "variants")
    name = f"try_{base.stem}_{block}"
    folder = results / name
    folder.mkdir(parents=True, exist_ok=True)
    mixed = folder / f"{base.stem}_{block}.yaml"
    extended = os.path.relpath(base, folder) if workspace.is_path(baseline) else baseline
    text = f"{base.stem} with the block {block} in every stage"
    spec = {
        "description": text,
        "extends": extended,
        "blocks": [os.path.relpath(file, folder)],
        "every_stage": {"block": block},
    }
    write_text(mixed, f"# Written by `resnet-lab try`.\n{_yaml(spec)}")
    experiment = folder / f"{name}.yaml"
    values = {
        "description": text,
        "variants": [extended, mixed.name],
        "baseline": extended,
        "decide": {"smallest": SMALLEST_ACCURACY},
        **({"match": match} if match else {}),
        "data": _data(data),
        "train": {"epochs": _epochs(data), **_RECIPE, "init": {"last_scale": _last_scale(baseline, mixed)}},
        "engine": engine,
        "measure": False,
    }
    seeds = _planned(experiment, values)
    write_text(experiment, _text(experiment, values, seeds or 1))
    found = plan(load(experiment, ["seeds=[0]"]), results=folder)
    list(matched.write(found.matched, folder))
    return Tryout(experiment, values, found, base.stem, mixed.stem, seeds)


def _block(file: Path, name: str | None) -> str:
    """The name of the block that a file registers."""
    plugins.load_file(file, ("try", 0))
    names = [known for known, entry in BLOCKS.registered.items() if entry.home == str(file.resolve())]
    if not names:
        raise LabError("registers no block: decorate a function with @block('NAME')", file=file)
    if name is None and len(names) > 1:
        raise LabError(f"registers several blocks: choose one with --block ({', '.join(names)})", file=file)
    if name is not None and name not in names:
        raise LabError(unknown("block", name, names), file=file)
    return name or names[0]


def _data(name: str) -> dict[str, Any]:
    """The experiment's key `data`: images large enough, and not more than the time allows."""
    source = DATASETS.get(name)
    facts = source.facts(source.check({}))
    is_small = facts.shape[1] is None or facts.shape[1] < _SMALLEST
    is_large = facts.count is not None and facts.count > _IMAGES
    return {"name": name} | ({"size": _SMALLEST} if is_small else {}) | ({"limit": _IMAGES} if is_large else {})


def _epochs(data: str) -> int:
    count = DATASETS.get(data).facts({}).count
    return max(1, round(_IMAGES / count)) if count else 1


def _last_scale(baseline: str, mixed: Path) -> str:
    """`zero`, which trains deep networks faster, where every branch of both networks can start at zero."""
    try:
        for name in (baseline, str(mixed)):
            branch_ends(variant.load(name).graph())
    except LabError:
        return "one"
    return "zero"


def _yaml(values: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(dict(values), sort_keys=False, default_flow_style=None, width=110))


def _text(experiment: Path, values: Mapping[str, Any], seeds: int) -> str:
    return (
        "# Written by `resnet-lab try`, which writes this file anew: copy it before you change it.\n"
        f"#   resnet-lab run {experiment}\n" + _yaml({**values, "seeds": seeds})
    )


def _planned(experiment: Path, values: Mapping[str, Any]) -> int | None:
    """How many pairs an earlier call planned for the same experiment; None if none did."""
    if not experiment.is_file():
        return None
    text = experiment.read_text(encoding="utf-8")
    return next((seeds for seeds in range(LEAST, MOST + 1) if text == _text(experiment, values, seeds)), None)
