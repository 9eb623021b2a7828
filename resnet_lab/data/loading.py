"""A dataset as an experiment asks for it: its size, its channels, and a part for validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..base.errors import LabError
from ..specs.data import DataSpec
from .dataset import DATASETS, Dataset


def load(
    name: str,
    *,
    size: int | None = None,
    channels: int | None = None,
    validation: float = 0.0,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
) -> Dataset:
    """Read a dataset.

    Args:
        name: its name in the registry.
        size: height and width in pixels to which images are resized; where None, they keep their own.
        channels: 3 repeats a grey image in each channel; 1 needs grey images; where None, images keep their own.
        validation: the share of the training images that is put aside for validation.
        seed: the seed that draws the validation part.
        options: the dataset's own options.

    Raises:
        LabError: there is no such dataset, an option is wrong, or the dataset cannot be read in this way.
    """
    checked = DATASETS.get(name).check(options or {})
    return _prepared(name, checked, size, channels, validation, seed)


def load_planned(data: DataSpec, seed: int) -> Dataset:
    """Read the dataset of a trial, whose options were checked when the trial was planned.

    Raises:
        LabError: the dataset cannot be read in this way.
    """
    return _prepared(data.name, data.options, data.size, data.channels, data.validation, seed)


def _prepared(
    name: str, options: Mapping[str, Any], size: int | None, channels: int | None, validation: float, seed: int
) -> Dataset:
    raw = DATASETS.get(name).read(options, size)
    if size is not None:
        raw = replace(raw, train=raw.train.resized(size), test=raw.test.resized(size))
    if channels is not None and channels != raw.shape[0]:
        if raw.shape[0] != 1 or channels != 3:
            raise LabError(f"dataset '{name}' has {raw.shape[0]} channels and cannot be given {channels}")
        raw = replace(raw, train=raw.train.rgb(), test=raw.test.rgb(), mean=raw.mean * 3, std=raw.std * 3)
    return _split(raw, validation, seed) if validation else raw


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
