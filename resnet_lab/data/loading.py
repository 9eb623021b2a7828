"""A dataset as an experiment asks for it: its size, its channels, a part for validation, and a part to train on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..base.errors import LabError
from ..specs.data import DataSpec
from .dataset import DATASETS, Dataset, Source
from .pipeline.pictures import InMemory, Pictures


def load(
    name: str,
    *,
    size: int | None = None,
    channels: int | None = None,
    validation: float = 0.0,
    limit: int | None = None,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
) -> Dataset:
    """Read a dataset.

    Args:
        name: its name in the registry.
        size: height and width in pixels to which images are resized; where None, they keep their own.
        channels: 3 repeats a grey image in each channel; 1 needs grey images; where None, images keep their own.
        validation: the share of the training images that is put aside for validation.
        limit: how many of the other training images are kept, balanced over the classes; all of them where None.
        seed: the seed that draws the validation part and the images that are kept.
        options: the dataset's own options.

    Raises:
        LabError: there is no such dataset, an option is wrong, or the dataset cannot be read in this way.
    """
    checked = DATASETS.get(name).check(options or {})
    return _prepared(name, checked, size, channels, validation, limit, seed)


def load_planned(data: DataSpec, seed: int) -> Dataset:
    """Read the dataset of a trial, whose options were checked when the trial was planned.

    Raises:
        LabError: the dataset cannot be read in this way.
    """
    return _prepared(data.name, data.options, data.size, data.channels, data.validation, data.limit, seed)


def _prepared(
    name: str,
    options: Mapping[str, Any],
    size: int | None,
    channels: int | None,
    validation: float,
    limit: int | None,
    seed: int,
) -> Dataset:
    raw = _whole(DATASETS.get(name), options, size, channels)
    raw = _split(raw, validation, seed) if validation else raw
    return raw if limit is None else replace(raw, train=_limited(raw, limit, seed))


_last: list[tuple[Any, Dataset]] = []
"""The dataset that this process has read last, behind what it was read from; or nothing."""


def _whole(source: Source, options: Mapping[str, Any], size: int | None, channels: int | None) -> Dataset:
    """The dataset at its size and with its channels, before its training images are divided.

    The trials of a sweep often need the same images, and reading them may take seconds. So images in memory are kept
    for the next call, if they come from files with a published hash and these files have not changed since. They
    cannot be written to.
    """
    origin = (source, dict(options), size, channels)
    if _last and _last[0][0] == (*origin, source.state()):
        return _last[0][1]
    _last.clear()  # before the next dataset is read, so that the memory never has to hold two
    raw = _read(source, options, size, channels)
    state = source.state()
    if state and isinstance(raw.train, InMemory) and isinstance(raw.test, InMemory):
        for array in (raw.train.images, raw.train.labels, raw.test.images, raw.test.labels):
            array.setflags(write=False)
        _last.append(((*origin, state), raw))
    return raw


def _read(source: Source, options: Mapping[str, Any], size: int | None, channels: int | None) -> Dataset:
    """Read a dataset; raises LabError if it cannot be given this size or these channels."""
    raw = source.read(options, size)
    if size is not None:
        raw = replace(raw, train=raw.train.resized(size), test=raw.test.resized(size))
    if channels is not None and channels != raw.shape[0]:
        if raw.shape[0] != 1 or channels != 3:
            raise LabError(f"dataset '{source.name}' has {raw.shape[0]} channels and cannot be given {channels}")
        raw = replace(raw, train=raw.train.rgb(), test=raw.test.rgb(), mean=raw.mean * 3, std=raw.std * 3)
    return raw


def _split(raw: Dataset, share: float, seed: int) -> Dataset:
    """Put a share of the training images aside for validation."""
    order = np.random.default_rng([seed, 2]).permutation(len(raw.train))
    kept = len(order) - round(len(order) * share)
    if not 0 < kept < len(order):
        raise LabError(
            f"'data.validation' is {share}, which puts {len(order) - kept} of {len(order)} images of the dataset "
            f"'{raw.name}' aside"
        )
    return replace(raw, train=raw.train.take(order[:kept]), validation=raw.train.take(order[kept:]))


def _limited(raw: Dataset, limit: int, seed: int) -> Pictures:
    """Keep some of the training images, in their order, with as equal numbers of each class as there are images."""
    labels = raw.train.labels
    if limit > len(labels):
        raise LabError(f"'data.limit' is {limit}, but dataset '{raw.name}' has only {len(labels)} images to train on")
    order = np.random.default_rng([seed, 2, 1]).permutation(len(labels))
    turn = np.empty(len(labels), np.int64)  # for each image: how many of its class come before it in the random order
    for label in range(len(raw.classes)):
        places = order[labels[order] == label]
        turn[places] = np.arange(len(places))
    kept = order[np.argsort(turn[order], kind="stable")[:limit]]
    return raw.train.take(np.sort(kept))
