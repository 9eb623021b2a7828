"""The registry of export formats, and what a format's function gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...base.registry import Entry, Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Images = NDArray[np.float32]
    Reader = Callable[[Images], Images]


@dataclass(frozen=True)
class Written:
    """The files that a format's function wrote, and the program that reads them back.

    Attributes:
        paths: The files.
        predict: Logits (batch, classes) of images (batch, channels, height, width), computed from the files by the
            program that they are meant for.
        reader: The name of that program, for messages.
    """

    paths: tuple[Path, ...]
    predict: Reader
    reader: str


@dataclass(frozen=True)
class ExportFormat(Entry):
    """A registered export format; `folds` says whether it can fold batch norms into convolutions."""

    folds: bool = False


FORMATS: Registry[ExportFormat] = Registry("export format")
"""The export formats by name."""

Writer = Callable[..., Written]


def export_format(name: str, *, folds: bool = False) -> Callable[[Writer], Writer]:
    """Register a function that writes a network in a format.

    The function is called with the network (`Pretrained`) and the path that the person named, writes the files into
    the folder of that path, and returns `Written`. `export` compares the logits of `Written.predict` with an engine's
    before the files get their final names. The first line of its docstring is the format's help text.

    Args:
        name: The name for `resnet-lab export --to`.
        folds: Whether the function takes the keyword argument `fold`.
    """

    def register(function: Writer) -> Writer:
        FORMATS.add(ExportFormat("export format", name, function, folds=folds))
        return function

    return register


def suffixed(path: Path, suffix: str) -> Path:
    """The path with the suffix added, unless it ends in it."""
    return path if path.suffix == suffix else path.with_name(path.name + suffix)


def on_engine(net: Any, name: str, path: Path) -> Reader:
    """The logits of a network on an engine, with the weights read from a file."""
    from ... import engines
    from .. import files
    from ..match import match

    model = engines.get(name).build(net.graph, "cpu")
    model.load(match(net.graph, files.read(path).arrays).arrays)
    return model.predict


def any_engine() -> str:
    """The name of the first engine that can run here."""
    from ... import engines

    return engines.choose("auto")[0]
