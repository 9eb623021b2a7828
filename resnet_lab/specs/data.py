"""Which images a network is trained on, and what is done to them: an experiment's `data`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from .identity import Outcome
from .strict import Positive, Share, Strict, Whole


def _augmentation(value: object) -> object:
    """`[flip, {pad_crop: 4}]` as `{flip: true, pad_crop: 4}`."""
    if not isinstance(value, list):
        return value
    merged: dict[Any, Any] = {}
    for item in value:
        if not isinstance(item, (str, dict)):
            raise ValueError(f"{item!r} is neither a name nor a mapping: write [flip, {{pad_crop: 4}}]")
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


class DataSpec(Strict):
    """Which images: `size` resizes, `channels: 3` repeats grey ones, `validation` puts a share of them aside.

    `damaged: skip` leaves damaged pictures out and counts them; `workers` processes make the batches: unless it is
    said, none where pictures are in memory, else one beside the CPU, and one for each core beside a GPU. Further keys
    are options of the dataset.
    """

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    name: Annotated[str, Outcome(always=True)] = "digits"
    size: Whole | None = None
    channels: Literal[1, 3] | None = None
    validation: Share = 0.0
    augment: Annotated[AugmentSpec, BeforeValidator(_augmentation)] = AugmentSpec()
    damaged: Literal["refuse", "skip"] = "refuse"
    workers: Annotated[Annotated[int, Field(ge=0)] | None, Outcome(decides=False)] = None

    @property
    def options(self) -> dict[str, Any]:
        """The dataset's own: every further key."""
        return dict(self.__pydantic_extra__ or {})

    @property
    def title(self) -> str:
        """The dataset, and where options name a file or folder, that one's name."""
        path = self.options.get("path")
        return f"{self.name}:{Path(path).name}" if isinstance(path, str) else self.name
