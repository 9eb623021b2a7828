"""A trial: one training run, known by the hash of what decides its outcome."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..network.graph import Graph, show
from ..specs.data import DataSpec
from ..specs.identity import cell, columns, identity
from ..specs.settings import short_keys
from ..specs.train import TrainSpec

FORMAT = 2
"""Enters every trial's id; raised when a change of ours makes older results incomparable."""


@dataclass(frozen=True)
class Trial:
    """One training run: a network, data, a recipe, an engine, a precision and a seed.

    Attributes:
        variant: the name of the network's spec; not a part of the id.
        blocks: the blocks that the stages use, for the table.
        swept: the values of the grid at this trial by dotted key, for the table and the trial's title.
        devices: how many devices share a batch. Their number decides the outcome: each draws its own random numbers
            (dropout), and normalises its own part unless the recipe asks for synchronised norms.
        datasets: files that register datasets of the person's own; a worker loads them first.
        contents: digests of the files that a spec names, by the dotted key of the spec that names them, and of what
            else decides the outcome and is not written in a spec (see sweeps/datasets.py).
        matched: what was changed in the variant for an equal cost, for the table; '' where nothing was.
        deterministic: whether the engine uses deterministic algorithms only.
    """

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
    contents: Mapping[str, str] = field(default_factory=dict)
    matched: str = ""
    deterministic: bool = False

    @cached_property
    def id(self) -> str:
        """12 hex digits over everything that decides the outcome.

        Names and comments do not. Nor do the device, the threads and `compile`: they say how the same arithmetic is
        carried out, and change results by rounding alone. The digest of a file stands in the place of its path.
        """
        return _digest({**self._content, "seed": self.seed})

    @cached_property
    def setting(self) -> str:
        """12 hex digits over everything that decides the outcome, except the seed: replicates share it."""
        return _digest(self._content)

    @cached_property
    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = {
            "format": FORMAT,
            "graph": self.graph.digest,
            "data": identity(self.data),
            "train": identity(self.train),
            "engine": self.engine,
            "precision": self.precision,
        }
        if self.deterministic:
            content["deterministic"] = True
        for key in self.contents:
            _remove(content, key.split("."))
        if self.contents:
            content["contents"] = dict(self.contents)
        if self.devices > 1:
            content["devices"] = self.devices
        else:
            content["train"].pop("norm", None)  # It says how several devices share a batch.
        return content

    def with_seed(self, seed: int) -> Trial:
        """The same setting with another seed.

        What does not depend on the seed is computed once for all trials of the setting.
        """
        other = replace(self, seed=seed)
        for name in ("_content", "setting", "_setting_labels"):
            vars(other)[name] = getattr(self, name)
        return other

    @property
    def title(self) -> str:
        """The trial in a few words: the variant, the engine, what the grid sweeps, the seed."""
        swept = [f"{short}={cell(self.swept[key])}" for key, short in short_keys(self.swept).items()]
        return " ".join([self.variant, self.engine, *swept, f"seed={self.seed}"])

    def labels(self) -> dict[str, Any]:
        """The columns of a results row that are known before the trial runs.

        Every setting that decides the outcome is among them, whether the grid sweeps it or not: those of the data and
        of the recipe by their dotted keys, and what the grid changes in the variant (`variant.KEY`).
        """
        return self._setting_labels | {"trial": self.id, "seed": self.seed}

    @cached_property
    def _setting_labels(self) -> dict[str, Any]:
        """The labels, with empty places for the id and the seed."""
        settings = columns(self.data, "data") | columns(self.train, "train")
        for key, digest in self.contents.items():
            if key in settings:
                settings[key] = f"{Path(str(settings[key])).name} ({digest})"
            else:
                settings[f"contents.{key}"] = digest
        return {
            "trial": "",
            "variant": self.variant,
            "blocks": "+".join(self.blocks),
            "depth": self.graph.depth,
            "params": self.graph.params,
            "macs": self.graph.macs,
            **({"matched": self.matched} if self.matched else {}),
            "data": self.data.title,
            "input": show(self.graph.input),
            "classes": self.graph.output[0],
            "epochs": self.train.epochs,
            "batch_size": self.train.batch_size,
            "engine": self.engine,
            "dtype": self.precision,
            "deterministic": self.deterministic,
            "devices": self.devices,
            "seed": 0,
            "setting": self.setting,
            "graph": self.graph.digest,
            **settings,
            **{key: cell(value) for key, value in self.swept.items() if key.startswith("variant.")},
        }

    def to_json(self) -> dict[str, Any]:
        """The trial as JSON values: what a worker is given, and what is kept in the trial's folder."""
        return {
            "labels": self.labels(),
            "variant": self.variant,
            "graph": self.graph.to_json(),
            "digest": self.graph.digest,
            "blocks": list(self.blocks),
            "data": self.data.model_dump(mode="json"),
            "train": self.train.model_dump(mode="json"),
            "engine": self.engine,
            "precision": self.precision,
            "seed": self.seed,
            "swept": dict(self.swept),
            "devices": self.devices,
            "datasets": list(self.datasets),
            "contents": dict(self.contents),
            "matched": self.matched,
            "deterministic": self.deterministic,
        }

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> Trial:
        """Read back what `to_json` gave."""
        return Trial(
            variant=values["variant"],
            graph=Graph.from_json(values["graph"]),
            blocks=tuple(values["blocks"]),
            data=DataSpec.model_validate_json(json.dumps(values["data"])),
            train=TrainSpec.model_validate_json(json.dumps(values["train"])),
            engine=values["engine"],
            precision=values["precision"],
            seed=values["seed"],
            swept=values["swept"],
            devices=values["devices"],
            datasets=tuple(values["datasets"]),
            contents=values["contents"],
            matched=values["matched"],
            deterministic=values["deterministic"],
        )


@dataclass(frozen=True)
class Place:
    """Where and how a trial runs: everything that changes its results by rounding alone.

    Attributes:
        device: `cpu`, `gpu:N`, `gpu:N,M` or `cpu:N,M`.
        compile: one of the engine's ways to carry a network out; never `auto`.
        threads: CPU threads of the engine.
        share: the share of the GPU that is meant for the trial; other trials may use the rest.
    """

    device: str
    compile: str
    threads: int
    share: float = 1.0


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def _remove(content: dict[str, Any], path: list[str]) -> None:
    """Take the value at a path out of nested mappings, if it is there."""
    *outer, last = path
    for key in outer:
        content = content.get(key, {})
    content.pop(last, None)
