"""Pictures in folders, one folder for each class."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ...base.errors import LabError
from ..dataset import IMAGENET_MEAN, IMAGENET_STD, Dataset, Facts, dataset, find
from ..formats.archives import is_archive, unpacked
from ..formats.decode import AUTO, DecoderName, chosen_decoder
from ..formats.digests import listing_digest
from ..formats.picture import SUFFIXES
from ..pipeline.pictures import Files, OnDisk

_TEST_FOLDERS = ("test", "val", "validation")


def _facts(path: Path, test: float = 0.2, crop: float = 0.875, decoder: DecoderName = AUTO) -> Facts:
    chosen_decoder(decoder)
    train, held_out = _parts(_root(path))
    names = _names(train)
    count = len(names) if held_out else len(names) - len(_test_pictures(names, test))
    return Facts((3, None, None), len(classes(train)), count)


def pictures_digest(path: Path) -> str:
    """Compute the digest of all pictures of an image folder or archive, with their names; other files do not change it.

    Raises:
        LabError: there is no folder of class folders, or a picture cannot be read.
    """
    root = _root(path)
    train, held_out = _parts(root)
    parts = [train] if held_out is None else [train, held_out]
    names = [(part.relative_to(root) / name).as_posix() for part in parts for name in _names(part)]
    return listing_digest(root, names)


@dataset("imagefolder", facts=_facts, content=pictures_digest)
def imagefolder(path: Path, test: float = 0.2, crop: float = 0.875, decoder: DecoderName = AUTO) -> Dataset:
    """Pictures in one folder for each class, below `train` and `test` (or `val`) if there are such folders.

    Args:
        path: the folder or the archive; relative to the experiment's file, the working directory or $RESNET_LAB_DATA.
        test: the share of each class that is used for testing if there is no folder of test pictures; always the same
            pictures.
        crop: the side of the central square that the network sees in testing, as a share of the picture's shorter side.
        decoder: `auto` (`fast` if simplejpeg and OpenCV are installed, else `pillow`), `fast` or `pillow`. `fast` takes
            less time and smooths less when it shrinks a picture.
    """
    train, held_out = _parts(_root(path))
    names = classes(train)
    if held_out is not None:
        if classes(held_out) != names:
            odd = sorted(set(classes(held_out)) ^ set(names))
            raise LabError(
                f"{train.name} and {held_out.name} do not have the same classes: {', '.join(odd[:5])}", file=train
            )
        splits = [_on_disk(part, names, _names(part), crop, decoder) for part in (train, held_out)]
    else:
        files = _names(train)
        put_aside = _test_pictures(files, test)
        splits = [
            _on_disk(train, names, [file for file in files if (file in put_aside) == tested], crop, decoder)
            for tested in (False, True)
        ]
    return Dataset("imagefolder", tuple(names), splits[0], splits[1], IMAGENET_MEAN, IMAGENET_STD)


def _root(path: Path) -> Path:
    """Return the folder of a dataset; an archive is unpacked into the cache."""
    root = find(path)
    if is_archive(root):
        root = unpacked(root)
        inside = [entry for entry in root.iterdir() if entry.is_dir()]
        return (
            inside[0] if len(inside) == 1 else root
        )  # most archives hold a single folder, which holds everything else
    if not root.is_dir():
        raise LabError("is no folder", file=root)
    return root


def _parts(root: Path) -> tuple[Path, Path | None]:
    """Return the folder of training pictures, and the folder of test pictures or None if there is none."""
    if not (root / "train").is_dir():
        return root, None
    for name in _TEST_FOLDERS:
        if (root / name).is_dir():
            return root / "train", root / name
    return root / "train", None


def classes(folder: Path) -> list[str]:
    """List the names of the class folders, sorted.

    Raises:
        LabError: there are fewer than two class folders.
    """
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise LabError(f"cannot be read: {error.strerror}", file=folder) from None
    if len(names) < 2:
        raise LabError(f"holds {len(names)} class folder(s), where two or more were expected", file=folder)
    return names


def _names(folder: Path) -> list[str]:
    """List all pictures of a folder as CLASS/FILE, sorted.

    Raises:
        LabError: a class has no pictures.
    """
    pictures = []
    for name in classes(folder):
        files = sorted(entry.name for entry in os.scandir(folder / name) if entry.name.lower().endswith(SUFFIXES))
        if not files:
            raise LabError(
                f"the class '{name}' is empty: no picture ({', '.join(SUFFIXES[:3])}, ...) is in it", file=folder / name
            )
        pictures += [f"{name}/{file}" for file in files]
    return pictures


def _test_pictures(names: list[str], share: float) -> set[str]:
    """Choose a share of each class, at least one picture; the choice does not depend on the experiment's seed."""
    if not 0 < share < 1:
        raise LabError(f"option 'test' of dataset 'imagefolder' is {share}: it should be above 0 and below 1")
    by_class: dict[str, list[str]] = {}
    for name in names:
        by_class.setdefault(name.partition("/")[0], []).append(name)
    generator = np.random.default_rng(0)
    chosen: set[str] = set()
    for of_class in by_class.values():
        chosen.update(
            of_class[index] for index in generator.permutation(len(of_class))[: max(1, round(share * len(of_class)))]
        )
    return chosen


def _on_disk(folder: Path, names: list[str], files: list[str], crop: float, decoder: str) -> OnDisk:
    """The pictures `files` of a folder, with the positions of their classes in `names` as labels."""
    numbers = {name: number for number, name in enumerate(names)}
    labels = np.array([numbers[file.partition("/")[0]] for file in files], np.int32)
    return OnDisk(Files(folder, tuple(files)), labels, np.arange(len(files)), crop, chosen_decoder(decoder))
