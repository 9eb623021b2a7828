"""Datasets in RecordIO files: any pair of files, and ImageNet, which may also be stored as folders of pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ...base.errors import LabError
from ..dataset import IMAGENET_MEAN, IMAGENET_STD, Dataset, Facts, dataset, find
from ..formats.decode import AUTO, DecoderName, chosen_decoder
from ..formats.digests import file_digests
from ..pipeline.pictures import OnDisk, Records
from .folders import imagefolder, pictures_digest

_IMAGENET = (3, 224, 224)


def _facts(path: Path, test: Path, classes: int, crop: float = 0.875, decoder: DecoderName = AUTO) -> Facts:
    chosen_decoder(decoder)
    _file(test)
    return Facts((3, None, None), classes, len(Records(_file(path))))


def records_digest(path: Path) -> str:
    """Compute the digest of a .rec file and of the .idx file beside it, which states the order of the records.

    Raises:
        LabError: the file is no .rec file, or cannot be read.
    """
    file = _file(path)
    index = file.with_suffix(".idx")
    return "-".join(of_file[:16] for of_file in file_digests([file, index] if index.is_file() else [file]))


@dataset("recordio", facts=_facts, content=records_digest)
def recordio(path: Path, test: Path, classes: int, crop: float = 0.875, decoder: DecoderName = AUTO) -> Dataset:
    """Two .rec files of packed pictures, with or without .idx files, as MXNet's im2rec makes them.

    Args:
        path: the file to train on; relative to the experiment's file, the working directory or $RESNET_LAB_DATA.
        test: the file to test on.
        classes: the number of classes; labels count from 0.
        crop: the side of the central square that the network sees in testing, as a share of the picture's shorter side.
        decoder: `auto` (`fast` if simplejpeg and OpenCV are installed, else `pillow`), `fast` or `pillow`. `fast` takes
            less time and smooths less when it shrinks a picture.
    """
    train, held_out = (stored(_file(name), crop, decoder) for name in (path, test))
    names = tuple(str(number) for number in range(classes))
    return Dataset("recordio", names, train, held_out, IMAGENET_MEAN, IMAGENET_STD)


def _file(path: Path) -> Path:
    file = find(path)
    if file.suffix != ".rec" or not file.is_file():
        raise LabError("is no .rec file", file=file)
    return file


def stored(path: Path, crop: float, decoder: str) -> OnDisk:
    """The pictures of a .rec file; the first label of each record is its class."""
    items = Records(path)
    return OnDisk(items, items.file.labels(), np.arange(len(items)), crop, chosen_decoder(decoder))


def _imagenet_facts(path: Path = Path("imagenet"), decoder: DecoderName = AUTO) -> Facts:
    root = _imagenet_root(path)
    if (root / "train.rec").is_file():
        facts = _facts(root / "train.rec", root / "val.rec", 1000, decoder=decoder)
    else:
        from .folders import _facts as folder_facts

        facts = folder_facts(root, decoder=decoder)
        if facts.classes != 1000:
            raise LabError(f"holds {facts.classes} classes, where ImageNet has 1000", file=root / "train")
    return replace(facts, shape=_IMAGENET)


def imagenet_digest(path: Path) -> str:
    """Compute the digest of ImageNet's pictures, from the RecordIO files or from the folders."""
    root = _imagenet_root(path)
    if (root / "train.rec").is_file():
        return "-".join(records_digest(root / name) for name in ("train.rec", "val.rec"))
    return pictures_digest(root)


@dataset("imagenet", facts=_imagenet_facts, content=imagenet_digest)
def imagenet(path: Path = Path("imagenet"), decoder: DecoderName = AUTO) -> Dataset:
    """ImageNet (Russakovsky et al. 2015): 1,000 classes, 224x224 by default; tested on its validation pictures.

    Args:
        path: a folder with `train` and `val`, 1,000 class folders in each (named by WordNet ids), or with `train.rec`
            and `val.rec` and their .idx files; its licence does not allow others to offer it for
            download, so you have to get it yourself.
        decoder: `auto` (`fast` if simplejpeg and OpenCV are installed, else `pillow`), `fast` or `pillow`. `fast` takes
            less time and smooths less when it shrinks a picture.
    """
    root = _imagenet_root(path)
    if (root / "train.rec").is_file():
        raw = recordio(root / "train.rec", root / "val.rec", 1000, decoder=decoder)
    else:
        raw = imagefolder(root, decoder=decoder)
    return replace(raw, name="imagenet", train=raw.train.resized(224), test=raw.test.resized(224))


def _imagenet_root(path: Path) -> Path:
    root = find(path)
    for pair in (("train.rec", "val.rec"), ("train", "val")):
        if all((root / name).exists() for name in pair):
            return root
    raise LabError("holds neither train.rec and val.rec nor the folders train and val", file=root)
