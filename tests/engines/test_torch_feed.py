"""Batches that the torch engine makes on the device: equal to those that the feed makes on the host."""

import numpy as np
import pytest

from resnet_lab import data
from tests.conftest import engine_or_skip


@pytest.fixture
def torch():
    engine_or_skip("torch")
    import torch

    return torch


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("pad", "flip"), [(0, False), (2, False), (0, True), (3, True)])
def test_batches_made_on_the_device_are_the_hosts_bit_for_bit(torch, channels, pad, flip):
    from resnet_lab.engines.torch.feed import resident_batches

    dataset = data.load("digits", channels=channels)
    augment = data.AugmentSpec(pad_crop=pad, flip=flip)
    feed = data.Feed(dataset.train, 100, 3, dataset.mean, dataset.std, augment)
    for number in (0, 1):
        made = list(resident_batches(feed.epoch(number), torch.device("cpu")))
        expected = list(feed.epoch(number))
        assert len(made) == len(expected) == 14
        for (images, labels), (host_images, host_labels) in zip(made, expected, strict=True):
            assert np.array_equal(images.numpy(), host_images)
            assert np.array_equal(labels.numpy(), host_labels)


def test_a_dataset_is_kept_on_each_device_that_asks_for_it(torch):
    from resnet_lab.engines.torch.feed import resident_batches

    dataset = data.load("digits", channels=3)
    feed = data.Feed(dataset.train, 100, 3, dataset.mean, dataset.std)
    for name in ("cpu", "meta", "cpu"):
        images, labels = next(resident_batches(feed.epoch(0), torch.device(name)))
        assert (images.device.type, labels.device.type) == (name, name)
