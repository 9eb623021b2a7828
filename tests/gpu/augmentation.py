"""Augmentation on the device: its images against the host's (stage `agreement`), and its speed (stage `cifar`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import resnet_lab as rl
from resnet_lab import data
from resnet_lab.data import Feed
from resnet_lab.engines.contract import Model
from tests.data.augmentations.batches import KINDS
from tests.engines.torch_augmentations.pictures import pictures

from .job import Job
from .turns import Turn, our_model, take_turns

RECIPE: dict[str, Any] = {"rand_augment": (2, 9), "random_erasing": 0.25, "mixup": 0.2}
"""A recipe of today, beside padded crops and flips."""


def compare(job: Job) -> None:
    """Compare the images and labels of an epoch with the host's, which they equal; one row for each augmentation."""
    together = {kind: setting for kind, setting in KINDS.items() if kind != "resize"}
    cases = {**{kind: {kind: setting} for kind, setting in KINDS.items()}, "all but resize": together}
    for name, augment in cases.items():
        for shape in ((3, 32, 32), (1, 28, 28)):
            count = job.size(64, 2048)
            split = data.InMemory(pictures(count, *shape), np.arange(count, dtype=np.int32) % 10)
            feed = Feed(split, 32, 0, (0.5,) * shape[0], (0.25,) * shape[0], data.AugmentSpec(**augment), classes=10)
            _compare(job, f"{name}, {'colour' if shape[0] == 3 else 'grey'}", feed)


def _compare(job: Job, name: str, feed: Feed) -> None:
    import torch

    from resnet_lab.engines.torch.feed import resident_batches

    made = resident_batches(feed.epoch(0), torch.device(job.device.replace("gpu", "cuda")))
    largest, differ, values = 0.0, 0, 0
    for batch, host_batch in zip(made, feed.epoch(0), strict=True):
        for array, wanted in zip(batch, host_batch, strict=True):
            difference = np.abs(array.cpu().numpy().astype(np.float64) - wanted)
            largest = max(largest, float(difference.max()))
            differ += int(np.count_nonzero(difference))
            values += difference.size
    row = {"what": "augmentation", "name": name, "output": largest, "differ": differ / values}
    job.row(**row, agrees=differ == 0)


def measure(job: Job, noise_feed: Callable[..., Feed], epochs: Callable[..., Turn]) -> None:
    """Measure training with a recipe of today: augmented on the device, on the host, and with crops and flips alone.

    Args:
        noise_feed: makes the feed, from the number of images, the batch size and more augmentations.
        epochs: makes a turn, from the model, the feed and whether the host makes the batches.
    """
    batch = job.size(32, 128)
    plain, recipe = (noise_feed(job.size(1, 40) * batch, batch, **more) for more in ({}, RECIPE))
    graph = rl.graph("cifar_resnet20", input=(3, 32, 32), classes=10)
    models: list[Model] = []

    def turns(feed: Feed, on_host: bool = False) -> Turn:
        if not models:
            models.append(our_model(job, graph, "bfloat16", "auto"))
        return epochs(models[0], feed, on_host)

    makers = {
        "recipe, crops and flips alone": lambda: turns(plain),
        "recipe, made on the device": lambda: turns(recipe),
        "recipe, made on the host": lambda: turns(recipe, on_host=True),
    }
    results = take_turns(makers, recipe.steps * batch, job.size(2, 5), job.until)
    speeds = {name: result.get("images_per_s") for name, result in results.items()}
    for name, result in results.items():
        row: dict[str, Any] = {"batch_size": batch, "precision": "bfloat16", "program": name, **result}
        for column, other in zip(("of_crops_and_flips", "of_host"), (*makers,)[::2], strict=True):
            own, base = speeds[name], speeds[other]
            if own and base and name != other:
                row[column] = own / base
        job.row(**row)
