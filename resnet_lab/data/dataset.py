"""What a dataset is, and the registry of datasets."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.entry import Entry
from ..base.errors import LabError
from ..base.registry import Registry, check_name
from .formats.digests import content_digest
from .formats.download import RemoteFile, chosen, folders, present
from .pipeline.pictures import InMemory, OnDisk, Pictures

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


Shape = tuple[int, int | None, int | None]
"""Of one image: (channels, height, width); the last two are None where pictures are of any size."""


@dataclass(frozen=True)
class Dataset:
    """Images to train on and to test on.

    Args:
        classes: the names of the classes, in the order of the labels.
        mean, std: mean and standard deviation of the training pixels of each channel, on the scale 0 to 1.
        validation: a part of the training images that was put aside; None where there is none.
    """

    name: str
    classes: tuple[str, ...]
    train: Pictures
    test: Pictures
    mean: tuple[float, ...]
    std: tuple[float, ...]
    validation: Pictures | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of one image: (channels, height, width)."""
        return self.train.shape


@dataclass(frozen=True)
class Facts:
    """What a dataset declares before it is read.

    Args:
        shape: the shape of one image, (channels, height, width); height and width are None for pictures of any size.
        classes: the number of classes.
        count: the number of images to train on; None where counting them would mean reading them.
        digest: changes with the data where neither the options nor the files that they name say which data it is;
            '' where they do.
    """

    shape: Shape
    classes: int
    count: int | None = None
    digest: str = ""


@dataclass(frozen=True)
class Source(Entry):
    """A registered dataset; its function takes its options, and `size` where it has such a parameter.

    Args:
        fixed: the facts, where they do not depend on the options.
        examine: otherwise the function that gives the facts for some options.
        folder: the folder of its files below each place where data is looked for.
        files: the files that are downloaded into this folder.
        content: from a file or folder that an option names to the digest of what the dataset reads there.
    """

    fixed: Facts | None = None
    examine: Callable[..., Facts] | None = None
    folder: str = ""
    files: tuple[RemoteFile, ...] = ()
    content: Callable[[Path], str] = content_digest

    def facts(self, options: Mapping[str, Any], size: int | None = None) -> Facts:
        """The facts of the dataset with these options.

        Args:
            options: the dataset's own options, checked.
            size: the experiment's `data.size`.

        Raises:
            LabError: a file or folder that an option names is missing or wrong.
        """
        if self.fixed is not None:
            return self.fixed
        assert self.examine is not None
        facts: Facts = self._call(self.examine, options, size)
        return facts

    def contents(self, options: Mapping[str, Any]) -> dict[str, str]:
        """The digest of what each file option names; it does not depend on where the files lie.

        Args:
            options: the dataset's own; a file option that is missing has its default.

        Raises:
            LabError: a file or folder is not there, or cannot be read.
        """
        defaults = {name: option.default for name, option in self.options.items()}
        paths = {name: options.get(name, defaults[name]) for name in self.file_options}
        return {name: self.content(find(path)) for name, path in paths.items()}

    def state(self) -> tuple[tuple[Path, int, int], ...]:
        """The path, the time of the last change (ns) and the size (bytes) of each of `files`.

        Returns:
            Nothing where the dataset has no such files, or one of them is not on this machine.
        """
        paths = [present(self.folder, chosen(self.folder, file)) for file in self.files]
        stats = [(path, path.stat()) for path in paths if path is not None]
        if len(stats) < len(paths):
            return ()
        return tuple((path, stat.st_mtime_ns, stat.st_size) for path, stat in stats)

    def read(self, options: Mapping[str, Any], size: int | None = None) -> Dataset:
        """Read the dataset, before an experiment changes its size or channels.

        Args:
            options: the dataset's own options, checked.
            size: the experiment's `data.size`.

        Raises:
            LabError: the dataset cannot be had, a function of the person's own fails, a part is empty, a label is no
                class, or what was read is not what the dataset declares.
        """
        dataset: Dataset = self._call(self.function, options, size)
        _check_parts(dataset, self.name)
        _check_declared(dataset, self.facts(options, size), self.name)
        return dataset

    def _call(self, function: Callable[..., Any], options: Mapping[str, Any], size: int | None) -> Any:
        wants_size = size is not None and "size" in inspect.signature(function).parameters
        try:
            own = {name: Path(value) if name in self.file_options else value for name, value in options.items()}
            return function(**own, **({"size": size} if wants_size else {}))
        except LabError:
            raise
        except Exception as error:
            if self.is_own:
                raise
            raise self.failure(error, function) from None


DATASETS: Registry[Source] = Registry("dataset")


def _check_parts(dataset: Dataset, name: str) -> None:
    """Raises LabError: a part is empty, a label is no class, or the statistics are not those of each channel."""
    classes, channels = len(dataset.classes), _known_shape(dataset.train)[0]
    for part, pictures in (("train", dataset.train), ("test", dataset.test)):
        if not len(pictures):
            raise LabError(f"dataset '{name}' has no images to {part} on")
        wrong = np.flatnonzero((pictures.labels < 0) | (pictures.labels >= classes))
        if len(wrong):
            raise LabError(
                f"dataset '{name}', {part}: the label {pictures.labels[wrong[0]]} of item {wrong[0]} is outside the "
                f"classes, 0 to {classes - 1}" + (f", and so are {len(wrong) - 1} more" if len(wrong) > 1 else "")
            )
    if not len(dataset.mean) == len(dataset.std) == channels:
        raise LabError(
            f"dataset '{name}' has {channels} channels, but {len(dataset.mean)} values in its mean and "
            f"{len(dataset.std)} in its std"
        )


def _check_declared(dataset: Dataset, declared: Facts, name: str) -> None:
    """Raises LabError: what was read is not what the dataset declares; the message names both."""
    pairs = [
        (f"images of {_times(declared.shape)}", f"images of {_times(shape)}", _fits(declared.shape, shape), part)
        for part, shape in (("train", _known_shape(dataset.train)), ("test", _known_shape(dataset.test)))
    ]
    classes, count = len(dataset.classes), len(dataset.train)
    pairs.append((f"{declared.classes} classes", f"{classes} classes", declared.classes == classes, "train"))
    pairs.append((f"{declared.count} images to train on", f"{count} images", declared.count in (None, count), "train"))
    for stated, read, true, part in pairs:
        if not true:
            raise LabError(
                f"dataset '{name}' declares {stated}, but {read} were read" + " to test on" * (part == "test")
            )


def _known_shape(pictures: Pictures) -> Shape:
    """The shape of one image; height and width are None for encoded pictures of any size."""
    return (3, None, None) if isinstance(pictures, OnDisk) and pictures.size is None else pictures.shape


def _fits(declared: Shape, read: Shape) -> bool:
    """Whether two shapes are equal where both are known."""
    return all(a == b for a, b in zip(declared, read, strict=True) if a is not None and b is not None)


def _times(shape: Shape) -> str:
    """(3, None, 8) as 3x?x8."""
    return "x".join("?" if length is None else str(length) for length in shape)


def dataset(
    name: str,
    *,
    shape: tuple[int, int, int] | None = None,
    classes: int = 0,
    count: int | None = None,
    facts: Callable[..., Facts] | None = None,
    files: tuple[str, tuple[RemoteFile, ...]] = ("", ()),
    content: Callable[[Path], str] = content_digest,
    replace: bool = False,
) -> Callable[[Callable[..., Dataset]], Callable[..., Dataset]]:
    """Register a function that returns a `Dataset`; its keyword parameters are options of the experiment's `data`.

    An option whose declared type is `pathlib.Path` names a file or a folder; the trial's id follows the content of it.
    A parameter called `size` is no option: it is given the experiment's `data.size` where there is one.

    Args:
        name: the name that experiments use.
        shape: the shape of one image, (channels, height, width).
        classes: the number of classes.
        count: the number of images to train on.
        facts: in the place of these three, a function of the same parameters that returns `Facts`.
        files: a folder below $RESNET_LAB_DATA or the cache, and the files that are downloaded into it.
        content: from a file or folder that an option (of the type `Path`) names to a digest of what the dataset reads
            there, for the trial's id; the digest of every byte and file name where it is not given.
        replace: take the name over where it is taken.

    Raises:
        LabError: the name is taken, or not exactly one of shape and facts is given.
    """
    check_name("dataset", name)
    if (shape is None) == (facts is None):
        raise LabError(f"dataset '{name}' needs either its shape, classes and count, or facts")

    def register(function: Callable[..., Dataset]) -> Callable[..., Dataset]:
        fixed = Facts(shape, classes, count) if shape is not None else None
        DATASETS.add(Source("dataset", name, function, ("size",), fixed, facts, *files, content), replace)
        return function

    return register


def find(path: str | Path) -> Path:
    """Look a file or folder up that an option names: in the working directory, $RESNET_LAB_DATA, and the cache.

    Raises:
        LabError: it is in none of them.
    """
    tried = [Path(path).expanduser(), *(place / path for place in folders())]
    for place in tried:
        if place.exists():
            return place
    raise LabError(f"there is no '{path}', neither from {Path.cwd()} nor in {' or '.join(map(str, folders()))}")


def statistics(images: NDArray[Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel of uint8 images, on the scale 0 to 1, from exact counts."""
    means, deviations = [], []
    levels = np.arange(256) / 255
    for channel in range(images.shape[1]):
        counts = np.bincount(images[:, channel].reshape(-1), minlength=256)
        mean = float(counts @ levels / counts.sum())
        means.append(mean)
        deviations.append(float((counts @ (levels - mean) ** 2 / counts.sum()) ** 0.5))
    return tuple(means), tuple(deviations)


__all__ = ["DATASETS", "Dataset", "Facts", "InMemory", "Pictures", "Source", "dataset", "find", "statistics"]
