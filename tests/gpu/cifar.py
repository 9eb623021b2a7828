"""Stage `cifar`: cifar_resnet20 on images in memory, beside compute alone and beside plain PyTorch loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import resnet_lab as rl
from resnet_lab import data
from resnet_lab.data import Feed
from resnet_lab.engines.contract import Model
from resnet_lab.network.graph import Graph
from resnet_lab.training.epoch import train_epoch

from . import augmentation
from .job import Job, missing
from .turns import RATE, Turn, check_mode, compute_alone, forget_compiled, our_model, plain_loop, take_turns

PAPER_STEPS = 64_000
"""The training steps of He et al. 2015, section 4.2."""

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def run(job: Job) -> None:
    """Measure each batch size; one row for each compile mode, and for each plain loop."""
    for batch in job.size((32,), (128, 512, 1024)):
        feed = noise_feed(job.size(4 * batch, 25_600), batch)
        _measure(job, feed, plain=batch == job.size(32, 128))
        forget_compiled()
    augmentation.measure(job, noise_feed, epochs)


def noise_feed(count: int, batch: int, extent: int = 32, **more: Any) -> Feed:
    """Images of noise as large as CIFAR's, with padded crops and flips: the speed does not depend on the pixels.

    Args:
        count: the number of images.
        batch: the images of a batch.
        extent: their height and width in pixels.
        more: augmentations beside these two.
    """
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 3, extent, extent)).astype(np.uint8)
    split = data.InMemory(images, rng.integers(0, 10, count).astype(np.int32))
    augment: dict[str, Any] = {"pad_crop": 4, "flip": True, **more}
    return Feed(split, batch, 0, MEAN, STD, data.AugmentSpec(**augment), classes=10)


def _measure(job: Job, feed: Feed, plain: bool) -> None:
    graph = rl.graph("cifar_resnet20", input=(3, 32, 32), classes=10)
    precision, images = "bfloat16", feed.steps * feed.batch_size
    makers: dict[str, Callable[[], Turn]] = {}
    for mode in job.compile_modes():
        models: list[Model] = []

        def end_to_end(mode: str = mode, models: list[Model] = models) -> Turn:
            models.append(our_model(job, graph, precision, mode))
            return epochs(models[0], feed)

        def alone(graph: Graph = graph, models: list[Model] = models) -> Turn:
            return compute_alone(models[0], graph, feed.batch_size, feed.steps)

        makers[f"ours {mode}"], makers[f"compute {mode}"] = end_to_end, alone
    if plain:
        makers["plain loop, NumPy"] = lambda: _plain(job, feed, precision, "numpy")
        makers["plain loop, torchvision"] = lambda: _plain(job, feed, precision, "torchvision")
    results = take_turns(makers, images, job.size(2, 5), job.until)
    for name, result in results.items():
        row: dict[str, Any] = {"batch_size": feed.batch_size, "precision": precision, "program": name, **result}
        speed = result.get("images_per_s")
        if speed:
            row["seconds_of_64000_steps"] = PAPER_STEPS * feed.batch_size / speed
        alone_speed = results.get(name.replace("ours", "compute"), {}).get("images_per_s")
        if speed and alone_speed and name.startswith("ours"):
            row["of_compute_alone"] = speed / alone_speed
        for kind in ("NumPy", "torchvision"):
            other = results.get(f"plain loop, {kind}", {}).get("images_per_s")
            if speed and other and name.startswith("ours"):
                row[f"of_plain_loop_{kind.lower()}"] = speed / other
        job.row(**row)


def epochs(model: Model, feed: Feed, on_host: bool = False) -> Turn:
    """A turn of one epoch, with its order and augmentation; each turn is another epoch.

    Args:
        on_host: whether the host makes the batches, as it does where the device cannot.
    """
    number = 0

    def turn() -> None:
        nonlocal number
        epoch = feed.epoch(number)
        train_epoch(model, iter(epoch) if on_host else epoch, [RATE] * feed.steps, number, lambda images, loss: None)
        check_mode(model)
        number += 1

    return turn


def _plain(job: Job, feed: Feed, precision: str, kind: str) -> Turn:
    """A plain PyTorch loop with a DataLoader of 4 workers, which crop and mirror with NumPy or with torchvision."""
    problem = missing("torchvision") if kind == "torchvision" else ""
    if problem:
        raise LookupError(problem)
    from torch.utils.data import DataLoader

    from tests.benchmarks.plain_torch import plain

    loader = DataLoader(
        Images(feed, kind == "torchvision"),
        feed.batch_size,
        shuffle=True,
        num_workers=job.size(1, 4),
        drop_last=True,
        pin_memory=job.device != "cpu",
        persistent_workers=True,
    )
    step, synchronize = plain_loop(job, plain("cifar_resnet20"), precision)

    def turn() -> None:
        for x, y in loader:
            step(x, y).item()  # as most tutorials do, to show the loss
        synchronize()

    return turn


class Images:
    """The images of a feed as people write a dataset for PyTorch's DataLoader."""

    def __init__(self, feed: Feed, torchvision: bool) -> None:
        assert isinstance(feed.split, data.InMemory)
        self.images = np.ascontiguousarray(feed.split.images.transpose(0, 2, 3, 1))
        self.labels = feed.split.labels.astype(np.int64)
        self.mean, self.std = np.array(feed.mean, np.float32), np.array(feed.std, np.float32)
        self.rng: np.random.Generator | None = None
        self.transform = _transforms(feed) if torchvision else None

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        """An image, float32 (3, 32, 32), cropped, mirrored and normalised, and its class."""
        if self.transform is not None:
            from PIL import Image

            return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])
        self.rng = self.rng or np.random.default_rng()
        y, x = self.rng.integers(0, 9, 2)
        image = np.pad(self.images[index], ((4, 4), (4, 4), (0, 0)))[y : y + 32, x : x + 32]
        if self.rng.random() < 0.5:
            image = image[:, ::-1]
        values = (image.astype(np.float32) / 255 - self.mean) / self.std
        return np.ascontiguousarray(values.transpose(2, 0, 1)), int(self.labels[index])


def _transforms(feed: Feed) -> Callable[[Any], Any]:
    from torchvision import transforms

    chain: Callable[[Any], Any] = transforms.Compose(
        [
            transforms.RandomCrop(32, 4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(feed.mean, feed.std),
        ]
    )
    return chain
