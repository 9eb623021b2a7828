"""Makes the plan of an experiment: its trials.

Variants, datasets, engines and weights that the experiment names are looked up once, however many trials use them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import engines
from ..base.errors import LabError
from ..blocks.opaque import check_engine, check_known, check_synchronised
from ..data import Facts
from ..engines.devices import check_compile, check_norm, check_precision, device_numbers
from ..network.graph import Graph, Shape
from ..network.initial import branch_ends
from ..specs import plugins, workspace
from ..specs.data import DataSpec
from ..specs.experiment import Experiment, ExperimentSpec
from ..specs.matching import Matched, match
from ..specs.train import TrainSpec
from ..specs.variant import Variant
from ..specs.yamlfile import KeyPath
from ..training.trial import Trial
from ..weights import finetune
from . import datasets, matched
from .grid_options import GridOptions
from .networks import Networks, overrides
from .sampling import Sampler


@dataclass(frozen=True)
class Plan:
    """The trials of an experiment.

    Attributes:
        experiment: the experiment.
        trials: each trial once, in the order of the grid, the variants, the engines and the seeds.
        duplicates: each trial that was left out, with the equal trial that is kept; two names may mean one network.
        matched: each variant that was changed for an equal cost, once for each network that it became.
        notes: a line for each option of the grid that some of the variants do not take.
    """

    experiment: Experiment
    trials: tuple[Trial, ...]
    duplicates: tuple[tuple[Trial, Trial], ...]
    matched: tuple[Matched, ...] = ()
    notes: tuple[str, ...] = ()


def plan(experiment: Experiment, device: str | None = None, results: Path | None = None) -> Plan:
    """Make the plan of an experiment. Only specs, block files and facts about datasets are read.

    With `match: latency`, networks are measured, unless `results` holds what an earlier run found.

    Args:
        experiment: what `specs.experiment.load` gave.
        device: a device in place of the experiment's, such as `gpu:0,1`.
        results: the experiment's own folder of results.

    Raises:
        LabError: A variant, dataset, engine, swept value or shape does not work; with file and line.
    """
    planner = _Planner(experiment, device, matched.known(results) if results else {})
    planned = planner.trials()
    kept: dict[str, Trial] = {}
    pairs = [(trial, kept.setdefault(trial.id, trial)) for trial in planned]
    duplicates = tuple(pair for pair in pairs if pair[0] is not pair[1])
    return Plan(experiment, tuple(kept.values()), duplicates, planner.matched, planner.options.notes())


def duplicate_message(trial: Trial, first: Trial) -> str:
    """The message for a trial that was left out because it equals another trial."""
    if trial.variant == first.variant:
        return (
            f"{trial.variant} with the seed {trial.seed} is asked for twice, since a variant, a seed or a value of the "
            "grid is repeated; it runs once"
        )
    return f"{trial.variant} is the same trial as {first.variant}; it runs once, under the name {first.variant}"


@dataclass
class _Planner:
    """Looks up variants, facts about datasets, networks and weights, and keeps each for the trials that share it."""

    experiment: Experiment
    device: str | None
    latencies: Mapping[str, Any]
    _datasets: dict[str, datasets.Found] = field(default_factory=dict)
    _matched: dict[tuple[Any, ...], Matched] = field(default_factory=dict)
    _starts: dict[tuple[str, str], tuple[TrainSpec, dict[str, str]]] = field(default_factory=dict)
    _checked: set[tuple[Any, ...]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.options = GridOptions(self.experiment)
        self.networks = Networks(self.experiment)

    def trials(self) -> list[Trial]:
        """Every trial in order, with duplicates."""
        document = self.experiment.document
        self._check_names()
        for index, file in enumerate(self.experiment.spec.datasets):
            plugins.load_file(datasets.plugin(file, document.file), document.mark(("datasets", index)), "dataset")
        devices = self._devices()
        found = []
        for swept, spec, variants in self._points():
            self._check_engines(spec)
            dataset = self._dataset(spec.data)
            self._check_batch(spec, dataset.facts, devices, swept)
            for index in variants:
                for engine in dict.fromkeys(engines.choose(name)[0] for name in spec.engine):
                    found += self._trials(spec, dataset, index, engine, swept, devices)
        self.options.check()
        return found

    def _check_names(self) -> None:
        """Check that no two specs have one name, since a row of the results has nothing else to tell them apart."""
        document = self.experiment.document
        files: dict[str, Path] = {}
        for index, variant in enumerate(self.experiment.spec.variants):
            with document.at("variants", index):
                file = workspace.find(variant, "variants", beside=Path(document.file).parent)
                first = files.setdefault(workspace.title(variant), file)
                if first.resolve() != file.resolve():
                    raise LabError(
                        f"two variants have the name '{workspace.title(variant)}', {first} and {file}; their results "
                        "could not be told apart, so give one of the files another name"
                    )

    def _points(self) -> Iterator[tuple[dict[str, Any], ExperimentSpec, Sequence[int]]]:
        """Yield the swept values, the spec and the numbers of the variants of each point of the grid or the search."""
        search = self.experiment.spec.search
        for swept, spec in self.experiment.points():
            if search is None:
                yield swept, spec, range(len(spec.variants))
                continue
            for index, name in enumerate(spec.variants):
                try:
                    sampler = Sampler(self.experiment, search, self.networks, self.options, self._images, name, swept)
                except LabError as error:
                    raise error.at(*self.experiment.document.mark(("variants", index))) from None
                for drawn in sampler.samples():
                    point = swept | drawn
                    yield point, self.experiment.at(point), [index]

    def _trials(
        self,
        spec: ExperimentSpec,
        dataset: datasets.Found,
        index: int,
        engine: str,
        swept: Mapping[str, Any],
        devices: int,
    ) -> list[Trial]:
        """The trials of one variant on one engine at one point of the grid: one for each seed."""
        mark = self.experiment.document.mark(("variants", index))
        changes = overrides(swept)
        try:
            variant = self.networks.variant(spec.variants[index], changes)
            reaching = self.options.reaching(variant, swept)
            if len(reaching) < len(swept) and not self.options.is_new(index, engine, reaching):
                return []
            data = datasets.with_channels(dataset.data, dataset.facts, variant.spec.input[0])
            graph = self.networks.graph(variant, *self._images(spec, variant))
            solved = self._match(spec, dataset, variant, graph, engine, changes)
            variant, graph = (solved.variant, solved.graph) if solved else (variant, graph)
            self._check_network(graph, engine, spec)
        except LabError as error:
            raise error.at(*mark) from None
        train, weights = self._start(spec.train, variant.name, graph)
        blocks = tuple(dict.fromkeys(stage.block for stage in variant.spec.stages))
        files = tuple(str(datasets.plugin(file, self.experiment.document.file)) for file in spec.datasets)
        first, *others = spec.possible_seeds
        trial = Trial(
            *(variant.name, graph, blocks, data, train, engine, spec.precision, first, reaching),
            devices=devices,
            datasets=files,
            contents=dataset.contents | weights,
            matched=solved.note if solved else "",
            deterministic=spec.deterministic,
        )
        return [trial, *map(trial.with_seed, others)]

    def _devices(self) -> int:
        """The number of devices that share a batch."""
        try:
            return max(1, len(device_numbers(self.device or self.experiment.spec.device)))
        except LabError as error:
            where = ("--device", None) if self.device else self.experiment.document.mark(("device",))
            raise error.at(*where) from None

    def _dataset(self, data: DataSpec) -> datasets.Found:
        key = data.model_dump_json()
        if key not in self._datasets:
            self._datasets[key] = datasets.find(data, self.experiment.document)
        return self._datasets[key]

    def _images(self, spec: ExperimentSpec, variant: Variant) -> tuple[Shape, int]:
        """The shape of the images that a variant is given, and the number of their classes."""
        dataset = self._dataset(spec.data)
        data = datasets.with_channels(dataset.data, dataset.facts, variant.spec.input[0])
        return datasets.image_shape(data, dataset.facts), dataset.facts.classes

    def _match(
        self,
        spec: ExperimentSpec,
        dataset: datasets.Found,
        variant: Variant,
        graph: Graph,
        engine: str,
        changes: Mapping[str, Any],
    ) -> Matched | None:
        """The variant at the cost of the baseline; None for the baseline, and where nothing is to be matched."""
        if spec.match is None or variant.name == spec.baseline_name:
            return None
        name = next(name for name in spec.variants if workspace.title(name) == spec.baseline_name)
        baseline = self.networks.variant(name, changes)
        target = self.networks.graph(baseline, *self._images(spec, baseline))
        is_measured = spec.match.what == "latency"
        key: tuple[Any, ...] = (id(variant), graph.input, graph.output, target.digest)
        key += (spec.precision, spec.train.batch_size, engine) if is_measured else ()
        if key not in self._matched:
            with self.experiment.document.at("match"):
                if is_measured:
                    device = self.device or spec.device
                    solved = matched.by_latency(variant, graph, target, spec, engine, device, self.latencies)
                else:
                    solved = match(variant, target, spec.match, graph.input, dataset.facts.classes)
            self._matched[key] = replace(
                solved, swept={name: value for name, value in changes.items() if variant.takes(name)}
            )
        return self._matched[key]

    @property
    def matched(self) -> tuple[Matched, ...]:
        """What was matched, each network once."""
        found = {(solved.variant.name, solved.graph.digest, solved.key): solved for solved in self._matched.values()}
        return tuple(found.values())

    def _check_engines(self, spec: ExperimentSpec) -> None:
        """Check that each engine is known, and that it supports the norm, the precision and the compile mode."""
        document = self.experiment.document
        for name in spec.engine:
            with document.at("engine"):
                engine = engines.get(name)
            with document.at("train", "norm"):
                check_norm(engine.name, spec.train.norm, engine.synchronised_norm)
            with document.at("precision"):
                check_precision(engine.name, spec.precision, engine.precisions)
            with document.at("compile"):
                check_compile(engine.name, spec.compile, engine.compile_modes)

    def _check_network(self, graph: Graph, engine: str, spec: ExperimentSpec) -> None:
        key = (graph.digest, engine, spec.precision, spec.train.init.last_scale, spec.train.norm)
        if key in self._checked:
            return
        check_engine(graph, engine, spec.precision)
        check_known(graph)
        if spec.train.norm == "synchronised":
            check_synchronised(graph)
        if spec.train.init.last_scale == "zero":
            branch_ends(graph)
        self._checked.add(key)

    def _check_batch(self, spec: ExperimentSpec, facts: Facts, devices: int, swept: Mapping[str, Any]) -> None:
        """Check that the training images fill at least one batch, and that a batch can be split over the devices."""
        document = self.experiment.document
        if facts.count is not None:
            aside = round(facts.count * spec.data.validation)
            if spec.data.validation and not aside:
                raise document.error(
                    ("data", "validation"),
                    f"'data.validation' is {spec.data.validation}, which puts none of {facts.count} images aside",
                )
            left = facts.count - aside
            for key, count in (("data.limit", spec.data.limit or 0), ("train.batch_size", spec.train.batch_size)):
                if count > left:
                    raise document.error(
                        self._place(key, swept), f"'{key}' is {count}, but there are only {left} images to train on"
                    )
                left = spec.data.limit or left
        if spec.train.batch_size < devices:
            raise document.error(
                self._place("train.batch_size", swept),
                f"'train.batch_size' is {spec.train.batch_size}, too few to split over {devices} devices",
            )

    def _place(self, key: str, swept: Mapping[str, Any]) -> KeyPath:
        """Where a key is written in the experiment's file: where it is swept, or its own place."""
        return self.experiment.place(key) if key in swept else tuple(key.split("."))

    def _start(self, train: TrainSpec, variant: str, graph: Graph) -> tuple[TrainSpec, dict[str, str]]:
        """The recipe with the absolute path of the weights that training starts from, and the digest of that file."""
        key = (graph.digest, f"{variant} {train.freeze} {train.init.model_dump_json()}")
        if key not in self._starts:
            self._starts[key] = self._find_start(train, variant, graph)
        found, contents = self._starts[key]
        return train.model_copy(update={"init": found.init}), contents

    def _find_start(self, train: TrainSpec, variant: str, graph: Graph) -> tuple[TrainSpec, dict[str, str]]:
        document = self.experiment.document
        with document.at("train", "freeze"):
            finetune.check(graph, train.freeze)
            if not finetune.frozen(graph, train.freeze).params:
                raise LabError("'train.freeze' leaves nothing to train")
        if train.init.weights is None:
            return train, {}
        with document.at("train", "init", "fresh"):
            finetune.check(graph, train.init.fresh)
        with document.at("train", "init", "weights"):
            path = finetune.locate(train.init.weights, variant, Path(document.file).parent)
        init = train.init.model_copy(update={"weights": str(path)})
        try:
            finetune.taken(graph, init)
        except LabError as error:  # the mistake is in that file, but the experiment named it
            raise document.error(("train", "init", "weights"), str(error)) from None
        return train.model_copy(update={"init": init}), {"train.init.weights": finetune.digest(path)}
