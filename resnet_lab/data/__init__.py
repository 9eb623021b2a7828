"""Datasets, and the batches that are made of them: order, augmentation, worker processes. No engine is known here."""

from ..specs.augment import AugmentSpec
from . import augmentations  # they register themselves
from .dataset import DATASETS, Dataset, Facts, Source, dataset, statistics
from .formats import decoders
from .loading import load, load_planned
from .pipeline.evaluation import EvaluationBatches
from .pipeline.feed import Feed
from .pipeline.pictures import InMemory, OnDisk, Pictures
from .pipeline.stream import Workers
from .sources import arrays, cifar, cifar10_jpeg, digits, fashion_mnist, folders, kmnist, mnist, records  # they too

Split = InMemory
"""The name under which a dataset of a person's own imports `InMemory`."""

__all__ = [
    "DATASETS",
    "AugmentSpec",
    "Dataset",
    "EvaluationBatches",
    "Facts",
    "Feed",
    "InMemory",
    "OnDisk",
    "Pictures",
    "Source",
    "Split",
    "Workers",
    "arrays",
    "augmentations",
    "cifar",
    "cifar10_jpeg",
    "dataset",
    "decoders",
    "digits",
    "fashion_mnist",
    "folders",
    "kmnist",
    "load",
    "load_planned",
    "mnist",
    "records",
    "statistics",
]
