"""Experiment specs: from a YAML file to trials."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from .. import engines
from ..base.errors import LabError
from ..blocks.opaque import check_engine, check_known
from ..data import DATASETS, Facts, Source
from ..engines.support import check_compile, check_precision, check_several, gpu_numbers
from ..network.graph import Graph
from ..network.initial import branch_ends
from ..specs import plugins, workspace
from ..specs.data import AugmentSpec, DataSpec
from ..specs.optimizers import OptimizerSpec
from ..specs.schedules import ScheduleSpec
from ..specs.strict import Strict, named
from ..specs.train import InitSpec, TrainSpec
from ..specs.variant import load as load_variant
from ..specs.yamlfile import Document, explain, read
from ..training.trial import Trial
from ..weights import finetune
from . import datasets as experiment_data

_ROOTS = ("data", "train", "variant", "precision")


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


class ExperimentSpec(Strict):
    """What to run: variants x engines x grid x seeds."""

    description: str = ""
    datasets: list[str] = []
    variants: Annotated[list[str], Field(min_length=1)]
    data: Annotated[DataSpec, BeforeValidator(named)] = DataSpec()
    train: TrainSpec
    engine: Annotated[list[str], BeforeValidator(_listed), Field(min_length=1)] = ["mxnet"]
    device: str = "auto"
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    compile: str = "auto"
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = [0]
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}
    measure: bool = True


_KNOWN = {
    "": list(ExperimentSpec.model_fields),
    "data": list(DataSpec.model_fields),
    "data.augment": list(AugmentSpec.model_fields),
    "data.augment.*": list(AugmentSpec.model_fields),
    "train": list(TrainSpec.model_fields),
    "train.optimizer": list(OptimizerSpec.model_fields),
    "train.schedule": list(ScheduleSpec.model_fields),
    "train.init": list(InitSpec.model_fields),
}


@dataclass(frozen=True)
class Experiment:
    """A validated experiment; `name` is its file's, and that of its results folder."""

    name: str
    spec: ExperimentSpec
    document: Document
    fitting: set[tuple[Any, ...]] = field(default_factory=set, compare=False)
    """Networks and files of weights that were seen to fit."""

    def trials(self, device: str | None = None) -> list[Trial]:
        """All trials in order; nothing is trained or read but specs.

        Args:
            device: instead of the experiment's.

        Raises:
            LabError: a variant, a swept value or a shape that does not work, with file and line.
        """
        try:
            devices = max(1, len(gpu_numbers(device or self.spec.device)))
        except LabError as error:
            raise error.at("--device", None) from None
        keys = list(self.spec.grid)
        trials = []
        for values in itertools.product(*self.spec.grid.values()):
            swept = dict(zip(keys, values, strict=True))
            spec = self._with(swept)
            source: Source = DATASETS.get(spec.data.name)
            facts = source.facts(spec.data.options, spec.data.size)
            for (index, name), engine, seed in itertools.product(enumerate(spec.variants), spec.engine, spec.seeds):
                trials.append(self._trial(spec, facts, name, index, engine, seed, swept, devices))
        return trials

    def _with(self, swept: Mapping[str, Any]) -> ExperimentSpec:
        """The spec with the swept values in place; an error stands at the grid's line."""
        if not swept:
            return self.spec
        document = Document(copy.deepcopy(self.document.value), self.document.file, dict(self.document.marks))
        for key, value in swept.items():
            path = tuple(key.split("."))
            if path[0] not in _ROOTS or (len(path) == 1) != (path[0] == "precision"):
                raise self.document.error(
                    ("grid", key),
                    f"'{key}' cannot be swept: a key begins with data., train. or variant., or is precision",
                )
            if path[:2] in (("variant", "extends"), ("variant", "blocks")):
                raise self.document.error(
                    ("grid", key), f"'{key}' cannot be swept: write a spec for each, and list them in 'variants'"
                )
            if path[0] != "variant":
                document.put(path, value, self.document.mark(("grid", key)))
        return _validate(document)

    def _trial(
        self,
        spec: ExperimentSpec,
        facts: Facts,
        name: str,
        index: int,
        engine: str,
        seed: int,
        swept: Mapping[str, Any],
        devices: int,
    ) -> Trial:
        if spec.train.batch_size < devices:
            raise self.document.error(
                ("grid", "train.batch_size") if "train.batch_size" in swept else ("train", "batch_size"),
                f"'train.batch_size' is {spec.train.batch_size}, too few to split over {devices} devices",
            )
        mark = self.document.mark(("variants", index))
        overrides = {key.removeprefix("variant."): value for key, value in swept.items() if key.startswith("variant.")}
        marks = {key: self.document.mark(("grid", f"variant.{key}")) for key in overrides}
        # A path may be relative to the experiment; a name means a variant, though an experiment have the same.
        beside = Path(self.document.file).parent if workspace.is_path(name) else None
        try:
            loaded = load_variant(name, overrides, beside=beside, marks=marks)
            data = experiment_data.with_channels(spec.data, facts, loaded.spec.input[0])
            graph = loaded.graph(experiment_data.image_shape(data, facts), facts.classes)
            check_engine(graph, engine, spec.precision)
            check_known(graph)
            if spec.train.init.last_scale == "zero":
                branch_ends(graph)
        except LabError as error:
            raise error.at(*mark) from None
        train, start = self._start(spec.train, loaded.name, graph)
        blocks = tuple(dict.fromkeys(stage.block for stage in loaded.spec.stages))
        files = tuple(str(experiment_data.plugin(file, self.document.file)) for file in spec.datasets)
        return Trial(
            *(loaded.name, graph, blocks, data, train, engine, spec.precision, seed, swept),
            datasets=files,
            weights=start,
            devices=devices,
            content=experiment_data.content(DATASETS.get(spec.data.name), facts),
        )

    def _start(self, train: TrainSpec, variant: str, graph: Graph) -> tuple[TrainSpec, str]:
        """The recipe with the path of the weights that it starts from, and their digest; '' where there are none."""
        document = self.document
        with _at(document, "train", "freeze"):
            finetune.check(graph, train.freeze)
        if not finetune.frozen(graph, train.freeze).params:
            raise document.error(("train", "freeze"), "'train.freeze' leaves nothing to train")
        if train.init.weights is None:
            return train, ""
        with _at(document, "train", "init", "fresh"):
            finetune.check(graph, train.init.fresh)
        with _at(document, "train", "init", "weights"):
            path = finetune.locate(train.init.weights, variant, Path(document.file).parent)
        init = train.init.model_copy(update={"weights": str(path)})
        content = finetune.digest(path)
        known = (graph.digest, content, tuple(init.fresh))
        if known not in self.fitting:  # once for all seeds, not for each
            try:
                finetune.taken(graph, init)
            except LabError as error:  # the file is at fault, but the experiment named it
                raise document.error(("train", "init", "weights"), str(error)) from None
            self.fitting.add(known)
        return train.model_copy(update={"init": init}), content


def load(path: str | Path, settings: Sequence[str] = ()) -> Experiment:
    """Read an experiment by path, or by name from `experiments/`.

    Args:
        settings: `KEY=VALUE` each, the value as YAML, set on top of the file.

    Raises:
        LabError: it is missing or wrong, with file and line.
    """
    text = str(path)
    own = Path(text)
    file = own if own.is_file() else workspace.find(_shipped_name(text), "experiments")
    document = read(file)
    _expand_words(document)
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise LabError(f"--set takes KEY=VALUE, such as train.epochs=10, not '{setting}'")
        place = tuple(int(part) if part.isdecimal() else part for part in key.strip().split("."))
        document.put(place, _scalar(value, setting), (f"--set {setting}", 0))
    return Experiment(file.stem, _validate(document), document)


def _expand_words(document: Document) -> None:
    """`schedule: cosine` means `schedule: {name: cosine}`; spelt out, a setting or the grid can add to it."""
    train = document.value.get("train")
    for place, key in ((document.value, "data"), (train, "optimizer"), (train, "schedule")):
        if isinstance(place, dict) and isinstance(place.get(key), str):
            place[key] = {"name": place[key]}


def _shipped_name(text: str) -> str:
    """`experiments/depth_sweep.yaml` finds the shipped depth_sweep where the working directory has none."""
    path = Path(text)
    shipped = path.parent == Path("experiments") and (workspace.shipped("experiments") / path.name).is_file()
    return path.stem if shipped else text


def _scalar(text: str, setting: str) -> Any:
    from ..specs.yamlfile import scalar

    try:
        return scalar(text)
    except LabError as error:
        raise LabError(f"--set {setting}: {error.message}") from None


def _validate(document: Document) -> ExperimentSpec:
    try:
        spec = ExperimentSpec.model_validate(document.value)
    except ValidationError as error:
        raise explain(error, document, _KNOWN) from None
    for index, file in enumerate(spec.datasets):
        plugins.load_file(experiment_data.plugin(file, document.file), document.mark(("datasets", index)), "dataset")
    spec = spec.model_copy(update={"data": experiment_data.located(spec.data, document)})
    facts = experiment_data.facts(spec.data, document)
    aside = None if facts.count is None else round(facts.count * spec.data.validation)
    if spec.data.validation and aside == 0:
        raise document.error(
            ("data", "validation"),
            f"'data.validation' is {spec.data.validation}, which puts none of {facts.count} images aside",
        )
    available = None if facts.count is None or aside is None else facts.count - aside
    if available is not None and spec.train.batch_size > available:
        raise document.error(
            ("train", "batch_size"),
            f"'train.batch_size' is {spec.train.batch_size}, but there are only {available} images to train on",
        )
    _check_engines(spec, document)
    return spec


def _check_engines(spec: ExperimentSpec, document: Document) -> None:
    """See that each engine is there and can do what is asked of it, on some device."""
    with _at(document, "device"):
        gpus = gpu_numbers(spec.device)
    for name in spec.engine:
        with _at(document, "engine"):
            engine = engines.get(name)
        with _at(document, "device"):
            check_several(name, gpus, engine.several)
        with _at(document, "precision"):
            check_precision(name, spec.precision, engine.precisions)
        with _at(document, "compile"):
            check_compile(name, spec.compile, engine.ways)


@contextmanager
def _at(document: Document, *path: str | int) -> Iterator[None]:
    """What goes wrong inside stands at the value of `path`."""
    try:
        yield
    except LabError as error:
        raise document.error(path, error.message) from None
