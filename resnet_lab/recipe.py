"""How a network is trained: optimizer, schedule and initialisation, as an experiment's `train` states them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Whole = Annotated[int, Field(ge=1)]


class Strict(BaseModel):
    """Every key is known, every value of its own type."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _changed(spec: Strict, key: str) -> bool:
    """Whether a key has another value than its default.

    What a recipe does not use must not be set: it would change a trial's id, and nothing else.
    """
    return bool(getattr(spec, key) != type(spec).model_fields[key].default)


class OptimizerSpec(Strict):
    """SGD or Adam; `lr` is the rate at the schedule's top, `decay` says what weight decay reaches."""

    name: Literal["sgd", "adam"] = "sgd"
    lr: Positive = 0.1
    momentum: Share = 0.0
    nesterov: bool = False
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    decay: Literal["all", "weights"] = "all"
    beta1: Share = 0.9
    beta2: Share = 0.999
    epsilon: Positive = 1e-8

    @model_validator(mode="after")
    def _fits(self) -> OptimizerSpec:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")
        if self.name == "adam" and (self.momentum or self.nesterov):
            raise ValueError("momentum and nesterov belong to sgd; adam has beta1 and beta2")
        for key in ("beta1", "beta2", "epsilon"):
            if self.name != "adam" and _changed(self, key):
                raise ValueError(f"'{key}' belongs to adam, not to {self.name}")
        return self


class ScheduleSpec(Strict):
    """The learning rate over the epochs, as a share of `lr`.

    `constant`; `step`: times `factor` at each of `milestones` (epochs); `cosine`: half a cosine from 1
    to `final`. The first `warmup` epochs rise in a line from `warmup_from`.
    """

    name: Literal["constant", "step", "cosine"] = "constant"
    milestones: list[Annotated[float, Field(ge=0)]] = []
    factor: Positive = 0.1
    final: Annotated[float, Field(ge=0)] = 0.0
    warmup: Annotated[float, Field(ge=0)] = 0.0
    warmup_from: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _fits(self) -> ScheduleSpec:
        if (self.name == "step") != bool(self.milestones):
            raise ValueError("the schedule 'step' and 'milestones' need each other")
        for key, owner in (("factor", "step"), ("final", "cosine")):
            if self.name != owner and _changed(self, key):
                raise ValueError(f"'{key}' belongs to the schedule '{owner}', not to '{self.name}'")
        if self.warmup_from and not self.warmup:
            raise ValueError("'warmup_from' needs a 'warmup' above 0")
        return self

    def share(self, epoch: float, epochs: int) -> float:
        """The share of `lr` at a point in time, in epochs from 0."""
        if epoch < self.warmup:
            return self.warmup_from + (1 - self.warmup_from) * epoch / self.warmup
        if self.name == "step":
            return float(self.factor ** sum(epoch >= milestone for milestone in self.milestones))
        if self.name == "cosine":
            done = (epoch - self.warmup) / max(epochs - self.warmup, 1e-9)
            return self.final + (1 - self.final) * (1 + math.cos(math.pi * min(done, 1.0))) / 2
        return 1.0


class InitSpec(Strict):
    """How weights start (weights.py): `last_scale: zero` lets each residual branch begin at zero.

    `weights` names a file to start from, or `gluon`; of it, `fresh` parts are drawn anew (finetune.py).
    """

    weight: Literal["msra", "xavier"] = "msra"
    fan: Literal["in", "out", "avg"] = "in"
    distribution: Literal["normal", "uniform"] = "normal"
    last_scale: Literal["one", "zero"] = "one"
    weights: str | None = None
    fresh: list[str] = []

    @model_validator(mode="after")
    def _fits(self) -> InitSpec:
        if self.weights is None and self.fresh:
            raise ValueError("'fresh' parts need 'weights' to differ from")
        if self.weights is not None and self.last_scale != "one":
            raise ValueError("'last_scale' is for nets that start without 'weights'")
        return self


def named(value: object) -> object:
    """`cosine` as `{name: cosine}`."""
    return {"name": value} if isinstance(value, str) else value


def covering(names: Iterable[str]) -> list[str]:
    """The same parts, each once and in order: what lies in another that is named is left out."""
    several = sorted(set(names))
    return [name for name in several if not any(name.startswith(f"{other}.") for other in several)]


class TrainSpec(Strict):
    """A training recipe; a batch that the epoch's end leaves incomplete is not trained on."""

    epochs: Whole
    batch_size: Whole
    optimizer: Annotated[OptimizerSpec, BeforeValidator(named)] = OptimizerSpec()
    schedule: Annotated[ScheduleSpec, BeforeValidator(named)] = ScheduleSpec()
    init: InitSpec = InitSpec()
    label_smoothing: Share = 0.0
    freeze: list[str] = []
    """Parts that training leaves alone: stem, stage1, stage1.block1, ..."""

    def rates(self, epoch: int, steps: int) -> list[float]:
        """The learning rate of every step of an epoch (from 0)."""
        return [self.optimizer.lr * self.schedule.share(epoch + step / steps, self.epochs) for step in range(steps)]


def _augmentation(value: object) -> object:
    """`[flip, {pad_crop: 4}]` as `{flip: true, pad_crop: 4}`."""
    if not isinstance(value, list):
        return value
    merged: dict[Any, Any] = {}
    for item in value:
        for key, setting in item.items() if isinstance(item, dict) else [(item, True)]:
            if key in merged:
                raise ValueError(f"'{key}' stands twice")
            merged[key] = setting
    return merged


def _bare(meant: object) -> BeforeValidator:
    """A word alone, `[mixup]`, means its usual setting."""
    return BeforeValidator(lambda value: meant if value is True else value)


def _pair(value: object) -> object:
    """`[0.08, 1]` for a tuple, which YAML has not."""
    return tuple(value) if isinstance(value, list) else value


def _sides(value: object) -> object:
    return (value, value) if isinstance(value, int) else _pair(value)


Area = Annotated[float, Field(gt=0, le=1)]


class AugmentSpec(Strict):
    """What is done to training pictures, always in this order; nothing where nothing is said.

    `resize: N` or `[low, high]`: the shorter side becomes N, or is drawn, then a crop is drawn; `random_resized_crop:
    [low, high]`: a crop of that share of the area; `pad_crop: N`: N zero pixels around, then a crop of the
    old size; `flip`: left and right, every other time; `rand_augment: [operations, magnitude]`;
    `color_jitter: S`: brightness, contrast and saturation by up to S; `random_erasing: P`: with
    probability P; `mixup: ALPHA`, `cutmix: ALPHA`: with both, one of them by the toss of a coin.
    """

    resize: Annotated[tuple[Whole, Whole], BeforeValidator(_sides)] | None = None
    random_resized_crop: Annotated[tuple[Area, Area], BeforeValidator(_pair), _bare((0.08, 1.0))] | None = None
    pad_crop: Annotated[int, Field(ge=0)] = 0
    flip: bool = False
    rand_augment: (
        Annotated[tuple[Whole, Annotated[int, Field(ge=0, le=30)]], BeforeValidator(_pair), _bare((2, 9))] | None
    ) = None
    color_jitter: Annotated[float, Field(gt=0, le=1), _bare(0.4)] | None = None
    random_erasing: Annotated[float, Field(gt=0, le=1), _bare(0.25)] | None = None
    mixup: Annotated[Positive, _bare(0.2)] | None = None
    cutmix: Annotated[Positive, _bare(1.0)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> AugmentSpec:
        if self.resize and self.random_resized_crop:
            raise ValueError("resize and random_resized_crop both draw a crop; one of them does")
        for pair in (self.resize, self.random_resized_crop):
            if pair and pair[0] > pair[1]:
                raise ValueError(f"the first of {list(pair)} is the least, the second the largest")
        return self

    def identity(self) -> dict[str, Any]:
        """What of it decides a trial's outcome: what is set, and what there was when the first trials got names."""
        return self.model_dump(include={"pad_crop", "flip"}) | self.model_dump(exclude_none=True)


_SINCE_THE_FIRST = {"name", "size", "channels", "validation"}


def names_file(option: str, value: object) -> bool:
    """Whether a dataset's option names a file or folder: it is called `path`, or looks like one."""
    return isinstance(value, str) and (option == "path" or "/" in value or "." in value)


class DataSpec(Strict):
    """Which images: `size` resizes, `channels: 3` repeats grey ones, `validation` puts a share of them aside.

    `damaged: skip` leaves damaged pictures out and counts them; `workers` processes make the batches: unless it is
    said, none where pictures are in memory, else one beside the CPU, and one for each core beside a GPU. Further keys
    are options of the dataset.
    """

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    name: str = "digits"
    size: Whole | None = None
    channels: Literal[1, 3] | None = None
    validation: Share = 0.0
    augment: Annotated[AugmentSpec, BeforeValidator(_augmentation)] = AugmentSpec()
    damaged: Literal["refuse", "skip"] = "refuse"
    workers: Annotated[int, Field(ge=0)] | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The dataset's own: every further key."""
        return dict(self.__pydantic_extra__ or {})

    @property
    def title(self) -> str:
        """The dataset, and where options name a file or folder, that one's name."""
        path = self.options.get("path")
        return f"{self.name}:{Path(path).name}" if isinstance(path, str) else self.name

    def identity(self) -> dict[str, Any]:
        """What of it decides a trial's outcome.

        Not where files lie; and what was added to this class later only where it is set, so that older
        trials keep their names.
        """
        kept = self.model_dump(include=_SINCE_THE_FIRST) | {"augment": self.augment.identity()}
        if self.damaged != "refuse":
            kept["damaged"] = self.damaged
        return kept | {key: value for key, value in self.options.items() if not names_file(key, value)}
