"""Which images a network is trained on, and what is done to them: an experiment's `data`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from .augment import NO_AUGMENTATION, AugmentSpec
from .identity import Outcome
from .strict import Share, Strict, Whole


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
    augment: AugmentSpec = NO_AUGMENTATION
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
