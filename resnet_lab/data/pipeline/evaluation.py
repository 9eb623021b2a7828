"""The batches on which a model is evaluated: every image once, in order, normalised and not augmented."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..formats.decode import Undecodable
from .feed import Batch, left_out, none_left
from .pictures import InMemory, Pictures
from .pixels import Made, Normalise

if TYPE_CHECKING:
    from .stream import Workers


@dataclass(frozen=True, eq=False)
class EvaluationBatches:
    """Batches that show every image once, in order; the last batch and batches with damaged pictures may be smaller.

    Iteration makes them on the host; an engine may make the same batches on its device.

    Args:
        split: the images.
        batch_size: the number of images of a batch.
        mean, std: mean and standard deviation of each channel, on the scale 0 to 1.
        skip: leave damaged pictures out; if False, a damaged picture is an error.
        workers: the processes that make the batches; None means this process.
        skipped: a set to which the names of the pictures that were left out are added.
    """

    split: Pictures
    batch_size: int
    mean: Sequence[float]
    std: Sequence[float]
    skip: bool = False
    workers: Workers | None = None
    skipped: set[str] | None = None

    @property
    def steps(self) -> int:
        """The number of batches."""
        return -(-len(self.split) // self.batch_size)

    @property
    def batch_shape(self) -> tuple[int, int, int, int]:
        """The shape of the images of a whole batch."""
        return (self.batch_size, *self.split.shape)

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches; see `Batch`.

        Raises:
            Undecodable: a picture is damaged and not skipped, or every picture is damaged.
        """
        made = self.workers.batches(self, 0) if self.workers else (self.make(0, step) for step in range(self.steps))
        shown = 0
        for images, labels, bad in made:
            if self.skipped is not None:
                self.skipped.update(bad)
            if len(images):
                shown += len(images)
                yield images, labels
        if not shown:
            raise none_left(self.split)

    def make(self, epoch: int, step: int, out: NDArray[np.float32] | None = None) -> Made:
        """Make one batch; the arguments are those of `Feed.make`."""
        indices = np.arange(step * self.batch_size, min((step + 1) * self.batch_size, len(self.split)))
        normalise = Normalise(self.mean, self.std)
        bad = []
        if isinstance(self.split, InMemory):
            images = self.split.images[indices[0] : indices[-1] + 1]
        else:
            images = np.empty((len(indices), *self.split.shape[1:], 3), np.uint8)
            whole = np.ones(len(indices), bool)
            for row, index in enumerate(indices):
                try:
                    self.split.fill(int(index), images[row])
                except Undecodable as error:
                    bad.append(left_out(error, self.skip, self.split, int(index)))
                    whole[row] = False
            images, indices = np.ascontiguousarray(images[whole].transpose(0, 3, 1, 2)), indices[whole]
        return normalise(images, None if out is None else out[: len(images)]), self.split.labels[indices], tuple(bad)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for a worker process, which only makes batches."""
        return self.__dict__ | {"workers": None, "skipped": None}
