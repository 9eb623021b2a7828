"""Datasets, batch order and augmentation draws; nothing here knows an engine."""

from . import cifar10_jpeg, digits, fashion_mnist  # they register themselves
from .dataset import DATASETS, Dataset, Source, Split, dataset, load
from .feed import Feed, evaluation_batches

__all__ = [
    "DATASETS",
    "Dataset",
    "Feed",
    "Source",
    "Split",
    "cifar10_jpeg",
    "dataset",
    "digits",
    "evaluation_batches",
    "fashion_mnist",
    "load",
]
