"""A trial: one training run, named by the hash of what decides its outcome."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..network.graph import Graph, show
from ..specs.data import DataSpec
from ..specs.train import TrainSpec, covering

FORMAT = 1
"""Part of every trial's id; raised when a change of ours makes old results incomparable."""


@dataclass(frozen=True)
class Trial:
    """One training run: a network, data, a recipe, an engine and a seed."""

    variant: str
    graph: Graph
    blocks: tuple[str, ...]
    data: DataSpec
    train: TrainSpec
    engine: str
    precision: str
    seed: int
    swept: Mapping[str, Any] = field(default_factory=dict)
    devices: int = 1
    datasets: tuple[str, ...] = ()
    content: str = ""
    """What changes with the data itself: the files that an option names, the code of a dataset of one's own."""
    weights: str = ""
    """The content of the file that training starts from."""

    @property
    def id(self) -> str:
        """12 hex digits over what decides the outcome.

        Names and comments do not; nor do the device, the threads and `compile`, which say how the
        same arithmetic is carried out and reach no further than its rounding (the row tells them).
        How many devices share a batch does: each norms its part by itself.
        """
        content = {
            "format": FORMAT,
            "graph": self.graph.digest,
            "data": self.data.identity() | ({"content": self.content} if self.content else {}),
            "train": self._recipe(),
            "engine": self.engine,
            "precision": self.precision,
            "seed": self.seed,
        }
        if self.devices > 1:
            content["devices"] = self.devices
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    def _recipe(self) -> dict[str, Any]:
        """The recipe with a file's content in the place of its name; keys that came later count where they are used."""
        recipe = self.train.model_dump()
        recipe["init"]["weights"] = self.weights
        recipe["freeze"], recipe["init"]["fresh"] = covering(self.train.freeze), covering(self.train.init.fresh)
        for part, key in ((recipe, "freeze"), (recipe["init"], "weights"), (recipe["init"], "fresh")):
            if not part[key]:
                del part[key]
        return recipe

    def labels(self) -> dict[str, Any]:
        """The columns of a results row that are known before the trial runs."""
        return {
            "trial": self.id,
            "variant": self.variant,
            "blocks": "+".join(self.blocks),
            "depth": self.graph.depth,
            "params": self.graph.params,
            "macs": self.graph.macs,
            "data": self.data.title,
            "input": show(self.graph.input),
            "epochs": self.train.epochs,
            "batch_size": self.train.batch_size,
            "engine": self.engine,
            "dtype": self.precision,
            "seed": self.seed,
            **({"weights": f"{Path(self.train.init.weights or '').name} ({self.weights})"} if self.weights else {}),
            **{
                key: value if isinstance(value, (str, int, float, bool)) else json.dumps(value)
                for key, value in self.swept.items()
            },
        }

    def config(self) -> dict[str, Any]:
        """Everything a worker needs, as JSON values; the network goes along as data."""
        return {
            "labels": self.labels(),
            "datasets": list(self.datasets),
            "graph": self.graph.to_json(),
            "digest": self.graph.digest,
            "data": self.data.model_dump(),
            "train": self.train.model_dump(),
            "weights": self.weights,
            "engine": self.engine,
            "precision": self.precision,
            "seed": self.seed,
        }


def distinct(planned: Sequence[Trial]) -> tuple[list[Trial], list[tuple[Trial, Trial]]]:
    """Each trial once (two names may mean one network), and pairs of one left out and the one that stands for it."""
    trials: dict[str, Trial] = {}
    pairs = [(trial, trials.setdefault(trial.id, trial)) for trial in planned]
    return list(trials.values()), [(trial, first) for trial, first in pairs if trial is not first]


def same(trial: Trial, first: Trial) -> str:
    """What is told of a pair of `distinct`."""
    return f"{trial.variant} is the same trial as {first.variant}, which stands for both"
