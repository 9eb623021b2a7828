"""Datasets, batch order and augmentation draws; nothing here knows an engine."""

from . import arrays, cifar, cifar10_jpeg, digits, fashion_mnist, folders, mnist, records  # they register themselves
from .augment import Augment
from .dataset import DATASETS, Dataset, Facts, Source, dataset, load, statistics
from .feed import Feed, evaluation_batches
from .split import Pictures, Split, Stored
from .stream import Workers

__all__ = [
    "DATASETS",
    "Augment",
    "Dataset",
    "Facts",
    "Feed",
    "Pictures",
    "Source",
    "Split",
    "Stored",
    "Workers",
    "arrays",
    "cifar",
    "cifar10_jpeg",
    "dataset",
    "digits",
    "evaluation_batches",
    "fashion_mnist",
    "folders",
    "load",
    "mnist",
    "records",
    "statistics",
]
