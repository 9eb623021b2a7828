"""Batches that the torch engine makes on the device: equal to those that the feed makes on the host."""

import weakref

import numpy as np
import pytest

from resnet_lab import data, engines
from resnet_lab.base import registry
from resnet_lab.data.augmentations.contract import Augmentation
from resnet_lab.data.augmentations.flip import Flip
from resnet_lab.engines.contract import Rank
from resnet_lab.specs.augment import AUGMENTATIONS, augmentation
from tests.conftest import engine_or_skip
from tests.data.augmentations.batches import KINDS

from .torch_augmentations.pictures import pictures, same_bits

TOGETHER = {
    **{kind: {kind: setting} for kind, setting in KINDS.items()},
    "colours": {"rand_augment": (3, 9), "color_jitter": 0.4},
    "both kinds of mixing": {"mixup": 0.3, "cutmix": 1.0, "flip": True},
    "a recipe": {"pad_crop": 4, "flip": True, "rand_augment": (2, 9), "random_erasing": 0.25, "mixup": 0.2},
    "all": {kind: setting for kind, setting in KINDS.items() if kind != "resize"},
}
"""Each augmentation alone, and some together."""


@pytest.fixture
def torch():
    engine_or_skip("torch")
    import torch

    return torch


def noise(shape, count=100, batch=24, **augment):
    split = data.InMemory(pictures(count, *shape), np.arange(count, dtype=np.int32) % 7)
    mean, std = (0.5, 0.45, 0.4)[: shape[0]], (0.25, 0.2, 0.3)[: shape[0]]
    return data.Feed(split, batch, 3, mean, std, data.AugmentSpec(**augment), classes=7)


def check(torch, feed, rank=None):
    """Compare the batches of two epochs with the host's, bit for bit."""
    from resnet_lab.engines.torch.feed import is_made_on_device, resident_batches

    assert is_made_on_device(feed)
    for number in (0, 1):
        made = list(resident_batches(feed.epoch(number), torch.device("cpu"), rank))
        expected = list(feed.epoch(number))
        assert len(made) == len(expected) == feed.steps
        for (images, labels), (host_images, host_labels) in zip(made, expected, strict=True):
            part = slice(None) if rank is None else rank.part(feed.batch_size)
            assert same_bits(images, np.ascontiguousarray(host_images[part]))
            assert images.is_contiguous(memory_format=torch.channels_last)
            assert same_bits(labels.int() if labels.ndim == 1 else labels, host_labels[part])
            assert labels.dtype == (torch.int64 if labels.ndim == 1 else torch.float32)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("pad", "flip"), [(0, False), (2, False), (0, True), (3, True)])
def test_batches_made_on_the_device_are_the_hosts_bit_for_bit(torch, channels, pad, flip):
    dataset = data.load("digits", channels=channels)
    augment = data.AugmentSpec(pad_crop=pad, flip=flip)
    feed = data.Feed(dataset.train, 100, 3, dataset.mean, dataset.std, augment)
    assert feed.steps == 14
    check(torch, feed)


@pytest.mark.parametrize("shape", [(3, 20, 20), (1, 17, 23)], ids=str)
@pytest.mark.parametrize("augment", TOGETHER.values(), ids=TOGETHER.keys())
def test_every_augmentation_on_the_device_gives_the_hosts_bits(torch, augment, shape):
    check(torch, noise(shape, **augment))


@pytest.mark.parametrize("augment", [TOGETHER["a recipe"], TOGETHER["all"], KINDS | {"mixup": None, "cutmix": None}])
@pytest.mark.parametrize(("number", "count"), [(0, 2), (1, 2), (0, 3), (1, 3), (2, 3), (0, 1)])
def test_each_of_several_processes_makes_its_part_of_a_batch(torch, augment, number, count):
    augment = {kind: setting for kind, setting in augment.items() if kind != "resize"}
    check(torch, noise((3, 12, 12), count=60, **augment), Rank(number, count, ""))


@pytest.mark.parametrize("values", [1, 3 * 24 * 3 * 12 * 12, 2**30])
def test_the_batches_do_not_depend_on_how_many_are_made_together(torch, monkeypatch, values):
    from resnet_lab.engines.torch import feed as torch_feed

    monkeypatch.setattr(torch_feed, "_TOGETHER", values)
    check(torch, noise((3, 12, 12), **TOGETHER["all"]))


@pytest.mark.parametrize("augment", [{"pad_crop": 2, "flip": True}, TOGETHER["resize"], TOGETHER["all"]], ids=str)
def test_a_batch_needs_at_most_25_bytes_for_each_value(torch, augment, monkeypatch):
    """docs/data.md states this figure. The batch before is still in use, as it is when a network is trained."""
    from torch.utils._python_dispatch import TorchDispatchMode

    from resnet_lab.engines.torch import feed as torch_feed

    monkeypatch.setattr(torch_feed, "_TOGETHER", 1)
    in_use: dict[int, int] = {}
    most = 0

    class Watch(TorchDispatchMode):
        """Counts the bytes of the tensors that operations return, until nobody uses their memory any more."""

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            nonlocal most
            result = function(*args, **(kwargs or {}))
            for tensor in result if isinstance(result, (list, tuple)) else [result]:
                storage = tensor.untyped_storage()
                if storage.data_ptr() not in in_use:
                    in_use[storage.data_ptr()] = storage.nbytes()
                    weakref.finalize(storage, in_use.pop, storage.data_ptr())
            most = max(most, sum(in_use.values()))
            return result

    feed = noise((3, 32, 32), count=900, batch=300, **augment)
    kept = torch_feed.resident(feed, torch.device("cpu"))
    in_use[kept.images.data_ptr()] = 0
    with Watch():
        for batch in torch_feed.resident_batches(feed.epoch(0), torch.device("cpu")):
            images = batch[0]
    assert 12 * images.numel() < most <= 25 * images.numel()


def test_every_registered_augmentation_can_be_done_on_the_device(torch):
    from resnet_lab.engines.torch.augmentations import ON_DEVICE

    assert {entry.function for entry in AUGMENTATIONS.entries.values()} == ON_DEVICE


def test_a_feed_that_the_device_cannot_make_is_made_on_the_host(torch):
    from resnet_lab.engines.torch.feed import is_made_on_device

    assert not is_made_on_device(noise((2, 8, 8), color_jitter=0.5))
    assert is_made_on_device(noise((2, 8, 8), flip=True))
    with registry.temporary():

        @augmentation("never_mirrored", setting=bool, bare=True)
        class NeverMirrored(Flip):
            """Inherits from an augmentation that the device knows, but does something else."""

            def pixels(self, images, draw):
                return images

        @augmentation("invert", setting=bool, bare=True)
        class Invert(Augmentation):
            """Dark becomes light."""

            def pixels(self, images, draw):
                return 255 - images

        assert not is_made_on_device(noise((3, 8, 8), flip=True, invert=True))
        feed = noise((3, 8, 8), never_mirrored=True, mixup=0.2)
        assert not is_made_on_device(feed)


@pytest.mark.parametrize("unknown", [False, True])
def test_a_gpu_is_given_the_hosts_images_either_way(torch, monkeypatch, unknown):
    """`_gpu` is set on the CPU, so that the batches come from where a GPU gets them."""
    from resnet_lab import graph
    from resnet_lab.engines.torch import model as torch_model

    model = engines.get("torch").build(graph("cifar_resnet20", input=(3, 8, 8), classes=7), "cpu")
    model._gpu = True
    called = []
    monkeypatch.setattr(
        torch_model, "resident_batches", lambda *words: called.append(words) or iter([("made", "on the device")])
    )
    monkeypatch.setattr(torch_model, "is_made_on_device", lambda feed: not unknown)
    feed = noise((3, 8, 8), count=24, **TOGETHER["a recipe"])
    [(images, labels)] = model.on_device(feed.epoch(0))
    if unknown:
        [(expected, shares)] = feed.epoch(0)
        assert same_bits(images, expected)
        assert same_bits(labels, shares)
    else:
        assert (images, labels) == ("made", "on the device")
        assert called[0][1] == torch.device("cpu")


def test_a_dataset_is_kept_on_each_device_that_asks_for_it(torch):
    from resnet_lab.engines.torch.feed import resident_batches

    dataset = data.load("digits", channels=3)
    feed = data.Feed(dataset.train, 100, 3, dataset.mean, dataset.std)
    for name in ("cpu", "meta", "cpu"):
        images, labels = next(resident_batches(feed.epoch(0), torch.device(name)))
        assert (images.device.type, labels.device.type) == (name, name)
