"""Batches that a captured step makes on the device: equal to the host's, in order and out of order."""

from itertools import pairwise

import numpy as np
import pytest

from resnet_lab import data
from tests.conftest import engine_or_skip


@pytest.fixture
def torch():
    engine_or_skip("torch")
    import torch

    return torch


def digits(**augment):
    dataset = data.load("digits", channels=1)
    split = data.InMemory(dataset.train.images[:50], dataset.train.labels[:50])
    return data.Feed(split, 8, 3, dataset.mean, dataset.std, data.AugmentSpec(**augment))


@pytest.mark.parametrize("augment", [{}, {"flip": True}, {"pad_crop": 2, "flip": True}], ids=str)
def test_batches_are_the_hosts_bit_for_bit_epoch_after_epoch(torch, augment):
    from resnet_lab.engines.torch.static_batches import EpochOnDevice

    feed = digits(**augment)
    epoch = EpochOnDevice(feed, torch.device("cpu"))
    for number in (0, 1):
        expected, written = list(feed.epoch(number)), []
        positions = list(epoch.positions(feed.epoch(number)))
        assert len(positions) == len(expected) == 6
        for position, (host_images, host_labels) in zip(positions, expected, strict=True):
            epoch.go_to(position)
            written.append(epoch._number._version)
            images, labels = epoch.next()
            assert np.array_equal(images.numpy(), host_images)
            assert np.array_equal(labels.numpy(), host_labels)
        # In order, only the batches themselves change the number on the device.
        assert [after - before for before, after in pairwise(written)] == [1] * 5
        for place in (4, 1, 1):
            assert np.array_equal(positions[place].batch()[0].numpy(), expected[place][0])


def test_a_position_of_an_epoch_that_is_over_is_refused(torch):
    from resnet_lab.engines.torch.static_batches import EpochOnDevice

    feed = digits()
    epoch = EpochOnDevice(feed, torch.device("cpu"))
    old = next(epoch.positions(feed.epoch(0)))
    new = next(epoch.positions(feed.epoch(1)))
    with pytest.raises(RuntimeError, match="the batch belongs to an epoch that is over"):
        old.batch()
    assert np.array_equal(new.batch()[1].numpy(), next(iter(feed.epoch(1)))[1])


@pytest.mark.parametrize(
    ("augment", "wanted"),
    [({}, True), ({"pad_crop": 4, "flip": True}, True), ({"mixup": 0.2}, False), ({"flip": True, "resize": 9}, False)],
    ids=str,
)
@pytest.mark.parametrize("is_resident", [False, True])
def test_only_crops_and_flips_are_done_inside_a_captured_step(torch, monkeypatch, augment, wanted, is_resident):
    """Also if the engine could do the other augmentations on the device, outside of the step."""
    from resnet_lab.engines.torch import static_batches

    monkeypatch.setattr(data.Feed, "resident", is_resident)
    assert static_batches.is_gathered(digits(**augment)) == (wanted and is_resident)
