"""The data that a network is trained on: an experiment's `data`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from .augment import NO_AUGMENTATION, AugmentSpec
from .identity import Outcome
from .strict import Share, Strict, Whole


class DataSpec(Strict):
    """The dataset and what is done to its images. Keys that are not listed here are options of the dataset.

    Attributes:
        name: the name of the dataset.
        size: height and width in pixels to which images are resized; where None, they keep their own.
        channels: 3 repeats a grey image in each channel.
        validation: the share of the training images that is put aside for validation.
        limit: how many of the remaining training images are trained on: a part with as equal numbers of each class as
            there are images, drawn by the trial's seed. Where None, all of them.
        augment: what is done to training images.
        damaged: whether a damaged picture ends the trial (`refuse`), or is left out and counted (`skip`).
        workers: how many processes make the batches. Where None: none for pictures in memory; for encoded pictures one
            beside a CPU, and one for each core beside a GPU.
    """

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    name: Annotated[str, Outcome(always=True)] = "digits"
    size: Whole | None = None
    channels: Literal[1, 3] | None = None
    validation: Share = 0.0
    limit: Whole | None = None
    augment: AugmentSpec = NO_AUGMENTATION
    damaged: Literal["refuse", "skip"] = "refuse"
    workers: Annotated[Annotated[int, Field(ge=0)] | None, Outcome(decides=False)] = None

    @property
    def options(self) -> dict[str, Any]:
        """The options of the dataset: every key that is no field."""
        return dict(self.__pydantic_extra__ or {})

    @property
    def title(self) -> str:
        """The name of the dataset, with the name of the file or folder that its option `path` names."""
        path = self.options.get("path")
        return f"{self.name}:{Path(path).name}" if isinstance(path, str) else self.name
