"""Experiments as people write them: which variants are trained on which data, with which recipe and which seeds."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, WrapValidator

from ..base.errors import LabError, unknown
from . import presets, settings, workspace
from .data import DataSpec
from .explain import explain, places
from .limits import LimitsSpec, ResourcesSpec
from .matching import MatchSpec, expand
from .optimizers import OPTIMIZERS
from .schedules import SCHEDULES
from .search import HalvingSpec, SearchSpec
from .search import check as check_search
from .stages import KNOWN as VARIANT_KEYS
from .strict import Positive, Strict, listed, named
from .trackers import expand as expand_trackers
from .train import InitSpec, TrainSpec
from .yamlfile import Document, KeyPath, Mark, dotted, read

_MOST_SEEDS = 10_000
_SWEEPABLE = ("data", "train", "variant", "precision")


def _seeds(value: object, validated: Callable[[object], list[int]]) -> list[int]:
    """`8` as the seeds 0 to 7, a list as it is, and `auto` as the empty list: the verdicts choose the seeds."""
    if value == "auto":
        return []
    if isinstance(value, str) or (
        isinstance(value, int) and (isinstance(value, bool) or not 1 <= value <= _MOST_SEEDS)
    ):
        raise ValueError(f"{value!r} is no number from 1 to {_MOST_SEEDS}, no list of seeds, and not the word auto")
    return validated(list(range(value)) if isinstance(value, int) else value)


class DecideSpec(Strict):
    """What a verdict is about; with `seeds: auto` also when the sweep stops.

    Attributes:
        metric: the column of results that the verdicts are about, and that `seeds: auto` decides by.
        smallest: the difference in this metric that would matter; without it no variant is ever the `same`.
        confidence: 1 minus the probability of a false verdict, over all variants and looks.
        at_most: the largest number of seeds that `seeds: auto` runs.
    """

    metric: str = "test_accuracy"
    smallest: Positive | None = None
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    at_most: Annotated[int, Field(ge=6, le=1000)] = 30


class ExperimentSpec(Strict):
    """Which trials to run: every combination of the variants, the engines, the points of the grid and the seeds.

    `engine` is a list of engines; `auto` is `mxnet` if it can run here, else `torch`. `datasets` names Python files
    that register datasets. `measure: false` leaves out the throughput measurements. `baseline` is the variant with
    which verdicts compare the others. `match` changes the others until each costs what the baseline costs. `search`
    draws networks and recipes of each variant at random. `resources` says what a trial uses of a machine, `limits`
    when a trial is ended, and `trackers` which programs show the sweep; none of them changes a trial's id. `presets`
    names sets of settings, such as a small form; only those of the chosen preset have an effect.
    """

    description: str = ""
    datasets: list[str] = []
    variants: Annotated[list[str], Field(min_length=1)]
    data: Annotated[DataSpec, BeforeValidator(named)] = DataSpec()
    train: TrainSpec
    engine: Annotated[list[str], BeforeValidator(listed), Field(min_length=1)] = ["mxnet"]
    device: str = "auto"
    precision: Literal["float32", "tf32", "bfloat16", "float16"] = "float32"
    deterministic: bool = False
    compile: str = "auto"
    seeds: Annotated[list[Annotated[int, Field(ge=0, lt=2**63)]], Field(min_length=1), WrapValidator(_seeds)] = [0]
    baseline: str | None = None
    decide: DecideSpec | None = None
    match: Annotated[MatchSpec | None, BeforeValidator(expand)] = None
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}
    search: SearchSpec | None = None
    measure: bool = True
    resources: ResourcesSpec = ResourcesSpec()
    limits: LimitsSpec = LimitsSpec()
    trackers: Annotated[dict[str, dict[str, Any]], BeforeValidator(expand_trackers)] = {}
    presets: dict[str, dict[str, Any]] = {}

    @property
    def auto(self) -> bool:
        """Whether the verdicts choose the seeds (`seeds: auto`)."""
        return not self.seeds

    @property
    def possible_seeds(self) -> list[int]:
        """All seeds that the experiment may run."""
        return list(range(self.decide.at_most)) if self.auto and self.decide else self.seeds

    @property
    def halving(self) -> HalvingSpec | None:
        """When trials are stopped before their last epoch; None if every trial trains to its end."""
        return None if self.search is None else self.search.halving

    @property
    def baseline_name(self) -> str | None:
        """The name of the baseline in the results, where a path stands for the name of its file."""
        return None if self.baseline is None else workspace.title(self.baseline)


_KNOWN = {
    "": list(ExperimentSpec.model_fields),
    "data": list(DataSpec.model_fields),
    "match": list(MatchSpec.model_fields),
    "train": list(TrainSpec.model_fields),
    "train.init": list(InitSpec.model_fields),
    "decide": list(DecideSpec.model_fields),
    "resources": list(ResourcesSpec.model_fields),
    "limits": list(LimitsSpec.model_fields),
    "search": list(SearchSpec.model_fields),
    "search.halving": list(HalvingSpec.model_fields),
    **{f"train.optimizer.{name}": list(kind.model_fields) for name, kind in OPTIMIZERS.items()},
    **{f"train.schedule.{name}": list(kind.model_fields) for name, kind in SCHEDULES.items()},
}


@dataclass(frozen=True)
class Experiment:
    """An experiment whose keys and values are valid; sweeps/plan.py looks up the variants and datasets that they name.

    Attributes:
        name: the name of the file without its suffix, then `-` and the preset if there is one; the results folder has
            this name.
        spec: the keys and values, without any point of the grid.
        document: the same as written, with the line of each value.
    """

    name: str
    spec: ExperimentSpec
    document: Document

    def points(self) -> Iterator[tuple[dict[str, Any], ExperimentSpec]]:
        """Yield every point of the grid: the swept values by key, and the spec with these values in place.

        Raises:
            LabError: A key cannot be swept, or a value does not fit, at the line of the grid.
        """
        for key in self.spec.grid:
            self._check_sweepable(key)
        for values in itertools.product(*self.spec.grid.values()):
            swept = dict(zip(self.spec.grid, values, strict=True))
            yield swept, self.at(swept)

    def at(self, swept: Mapping[str, Any]) -> ExperimentSpec:
        """The spec with values of the grid or of a search in place; keys of the variant are only checked.

        Raises:
            LabError: As `points`.
        """
        for key in swept:
            self._check_sweepable(key)
        if all(key.startswith("variant.") for key in swept):
            return self.spec
        own = {key: copy.deepcopy(value) for key, value in self._rest.value.items() if key in _SWEEPABLE}
        document = Document({**self._rest.value, **own}, self._rest.file, dict(self._rest.marks))
        for key, value in swept.items():
            if not key.startswith("variant."):
                document.put(tuple(key.split(".")), value, self.document.mark(self.place(key)))
        whole = {"grid": self.spec.grid, "seeds": self.spec.seeds, "search": self.spec.search}
        return _validated(document).model_copy(update=whole)

    @cached_property
    def _rest(self) -> Document:
        """The document without what is checked once: a point has its own data and recipe, but not its own seeds."""
        document, checked = self.document, ("grid", "seeds", "search", "presets")
        values = {key: value for key, value in document.value.items() if key not in checked}
        marks = {path: mark for path, mark in document.marks.items() if not path or path[0] not in checked}
        return Document(values, document.file, marks)

    def place(self, key: str) -> KeyPath:
        """Where a swept key is written: in the grid, or in the space of the search."""
        search = self.spec.search
        return ("grid", key) if search is None or key in self.spec.grid else ("search", "space", search.written(key))

    def _check_sweepable(self, key: str) -> None:
        path = key.split(".")
        if path[0] not in _SWEEPABLE or (len(path) == 1) != (path[0] == "precision"):
            raise self.document.error(
                self.place(key),
                f"'{key}' cannot be swept: a key begins with data., train. or variant., or is precision"
                + self._sweepable_hint(path[0], key),
            )
        if path[:2] in (["variant", "extends"], ["variant", "blocks"]):
            raise self.document.error(
                self.place(key), f"'{key}' cannot be swept: write a spec for each, and list them in 'variants'"
            )

    @staticmethod
    def _sweepable_hint(first: str, key: str) -> str:
        """The whole key, as the end of a sentence, for a key without its beginning such as `every_stage.reduction`."""
        known = {place: keys for place, keys in _KNOWN.items() if place.partition(".")[0] in ("data", "train")}
        found = ["variant"] if first in VARIANT_KEYS[""] else places(first, known)
        return f"; did you mean '{found[0]}.{key}'?" if found else ""


def load(
    source: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    name: str | None = None,
    preset: str | None = None,
) -> Experiment:
    """Read an experiment by its path, by its name from `experiments/`, or from a mapping of its keys.

    Args:
        source: the path, the name, or the mapping. Paths in a mapping are relative to the working directory.
        overrides: settings `KEY=VALUE`, the value as YAML, that are put on top of the file and of the preset.
        name: the name of the experiment; needed for a mapping, and only there.
        preset: the name of one of the experiment's `presets`, whose settings are put on top of the file.

    Raises:
        LabError: The file is missing, or a key or value is wrong; with file and line, or with the key of the mapping.
    """
    if isinstance(source, Mapping) != (name is not None):
        raise LabError(
            "an experiment that is given as a mapping needs a name, and one that is read from a file has one"
        )
    document = _of_mapping(source, str(name)) if isinstance(source, Mapping) else _of_file(str(source))
    _expand_words(document)
    if preset is not None:
        presets.apply(document, preset)
        _expand_words(document)
    for override in overrides:
        key, value = settings.parse(override)
        if key.partition(".")[0] == "presets":
            raise LabError(
                "the file alone says what its presets are; set the keys themselves", file=f"--set {override}"
            )
        document.put(presets.key_path(key), value, (f"--set {override}", 0))
    spec = _validated(document)
    _check_verdicts(spec, document)
    if spec.search is not None:
        check_search(spec.search, document)
    title = Path(document.file).stem
    return Experiment(title if preset is None else f"{title}-{preset}", spec, document)


def _check_verdicts(spec: ExperimentSpec, document: Document) -> None:
    """Check that `baseline`, `decide`, `match` and `seeds: auto` fit each other and the variants."""
    names = [workspace.title(name) for name in spec.variants]
    if spec.baseline_name is not None and spec.baseline_name not in names:
        message = unknown("baseline", spec.baseline, names)
        raise document.error(("baseline",), f"{message}; the baseline is listed in 'variants', too")
    if spec.decide is not None and spec.baseline is None:
        raise document.error(("decide",), "'decide' needs 'baseline', the variant with which the others are compared")
    if spec.match is not None and spec.baseline is None:
        raise document.error(("match",), "'match' needs 'baseline', the variant whose cost the others get")
    if not spec.auto:
        return
    if spec.decide is None:
        example = "decide: {metric: test_accuracy, smallest: 0.003}"
        raise document.error(("seeds",), f"'seeds: auto' needs 'baseline' and 'decide', such as {example}")
    if len(set(names)) < 2:
        raise document.error(("variants",), "'seeds: auto' needs a variant beside the baseline")
    for key, several in (("engine", len(spec.engine) > 1), ("grid", bool(spec.grid))):
        if several:
            raise document.error(
                (key,),
                f"'seeds: auto' works without a grid and with one engine: remove '{key}', or give a number of seeds",
            )


def _of_file(text: str) -> Document:
    own = Path(text)
    document = read(own if own.is_file() else workspace.find(_shipped_name(text), "experiments"))
    workspace.check_kind(document, "experiments")
    return document


def _of_mapping(values: Mapping[str, Any], name: str) -> Document:
    """Make the document of a mapping. Its file, NAME.yaml in the working directory, need not exist."""
    if not re.fullmatch(r"[\w-]+", name):
        raise LabError(f"the name of an experiment names its folder of results; it is one word, not {name!r}")
    marks: dict[KeyPath, Mark] = {(): (f"experiment '{name}'", 0)}

    def plain(value: object, path: KeyPath) -> Any:
        if path:
            marks[path] = (f"experiment '{name}', key '{dotted(path)}'", 0)
        if isinstance(value, Mapping):
            return {key: plain(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, (list, tuple, range)):
            return [plain(item, (*path, index)) for index, item in enumerate(value)]
        return str(value) if isinstance(value, Path) else value

    return Document(plain(values, ()), f"{name}.yaml", marks)


def _validated(document: Document) -> ExperimentSpec:
    try:
        return ExperimentSpec.model_validate(document.value)
    except ValidationError as error:
        raise explain(error, document, _KNOWN) from None


def _expand_words(document: Document) -> None:
    """Write `schedule: cosine` as `schedule: {name: cosine}`, so that a setting or the grid can add keys to it."""
    if "match" in document.value:
        document.value["match"] = expand(document.value["match"])
    train = document.value.get("train")
    for place, key in ((document.value, "data"), (train, "optimizer"), (train, "schedule")):
        if isinstance(place, dict) and isinstance(place.get(key), str):
            place[key] = {"name": place[key]}


def _shipped_name(text: str) -> str:
    """The name of a shipped experiment, if `experiments/NAME.yaml` is asked for and only the package has it."""
    path = Path(text)
    shipped = path.parent == Path("experiments") and (workspace.shipped("experiments") / path.name).is_file()
    return path.stem if shipped else text
