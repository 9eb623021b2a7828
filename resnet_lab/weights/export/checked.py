"""Export of a network: a format writes it, its reader reads it back, and both sides' logits are compared."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...base.errors import LabError
from ...base.files import put_in_place
from .registry import FORMATS

if TYPE_CHECKING:
    from ..pretrained import Pretrained

BATCHES = (1, 5)
"""The batch sizes at which the logits are compared."""

_TOLERANCE = 1e-3
"""The largest difference of logits that is accepted, relative to the largest logit; deep nets amplify rounding."""


@dataclass(frozen=True)
class Exported:
    """An export that was written and checked.

    Attributes:
        paths: The files.
        reader: The program that read the files back.
        difference: The largest difference between its logits and the engine's, relative to the largest logit.
    """

    paths: tuple[Path, ...]
    reader: str
    difference: float


def export(net: Pretrained, to: str, path: Path, *, engine: str = "mxnet", folded: bool = False) -> Exported:
    """Write a network in a format, read the files back, and compare the logits.

    The files are written into a folder beside, and get their names only when the logits agree. So a file that had the
    name before stays as it was if anything goes wrong.

    Args:
        net: The network with its weights.
        to: The name of a format in `FORMATS`.
        path: The file; the format adds its suffix where it is missing.
        engine: The engine whose logits the reader's are compared with.
        folded: Fold batch norms into the convolutions before them; only some formats can.

    Raises:
        LabError: The format or the engine does not exist, a package is missing, the file cannot be written, or the
            logits differ.
    """
    from ... import engines

    format = FORMATS.get(to)
    if folded and not format.folds:
        able = ", ".join(name for name, entry in FORMATS.entries.items() if entry.folds)
        raise LabError(f"batch norms are folded into convolutions for {able} only")
    if not path.name or path.is_dir() or not path.parent.is_dir():
        raise LabError(f"'{path}' names no file in an existing folder")
    engine = engines.choose(engine)[0]
    model = engines.get(engine).build(net.graph, "cpu")
    model.load(net.arrays)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            written = format.function(net, Path(folder) / path.name, **({"fold": True} if folded else {}))
            difference = _difference(net, model.predict, written.predict)
            if not difference < _TOLERANCE:  # so written, NaN is refused too
                raise LabError(
                    f"{written.reader} gives other logits than the engine '{engine}': they differ by {difference:.1e} "
                    "of the largest logit; nothing was written"
                )
            done = tuple(path.parent / file.name for file in written.paths)
            for file, final in zip(written.paths, done, strict=True):
                put_in_place(file, final)
    except OSError as error:
        raise LabError(f"cannot be written: {error.strerror or error}", file=path) from None
    return Exported(done, written.reader, difference)


def _difference(net: Pretrained, ours: Callable[[Any], Any], theirs: Callable[[Any], Any]) -> float:
    """The largest difference of logits on random images, relative to the largest logit."""
    import numpy as np

    generator = np.random.default_rng(0)
    differences = []
    for count in BATCHES:
        images = generator.standard_normal((count, *net.graph.input), np.float32)
        logits = ours(images)
        if not np.isfinite(logits).all():
            raise LabError("the network's own logits are not finite, so no export can be compared with them")
        differences.append(float(np.abs(theirs(images) - logits).max()) / max(float(np.abs(logits).max()), 1e-12))
    return float(np.max(differences))
