"""Erasing and mixing on the device: the bits of the host's forms."""

import numpy as np
import pytest

from resnet_lab.data.augmentations.contract import Draw
from resnet_lab.data.augmentations.cutmix import Cutmix
from resnet_lab.data.augmentations.mixup import Mixup
from resnet_lab.data.augmentations.random_erasing import RandomErasing
from tests.conftest import engine_or_skip

from .pictures import same_bits

IMAGES = np.random.default_rng(0).standard_normal((30, 3, 11, 14)).astype(np.float32)


@pytest.fixture
def torch():
    engine_or_skip("torch")
    import torch

    return torch


@pytest.mark.parametrize("setting", [0.3, 1.0])
def test_erased_rectangles_are_the_hosts(torch, setting):
    from resnet_lab.engines.torch.augmentations.chunk import Chunk
    from resnet_lab.engines.torch.augmentations.mixing import Erasing

    own, device = RandomErasing(setting), torch.device("cpu")
    draws = [Draw(3, 1, step) for step in (0, 1)]
    expected = np.concatenate([IMAGES, IMAGES])
    for draw, batch in zip(draws, np.split(expected, 2), strict=True):
        own.normalised(batch, draw)
    form = Erasing(own, (3, 11, 14), device)
    made = form(torch.from_numpy(np.concatenate([IMAGES, IMAGES])), Chunk(draws, 30, np.arange(30), device))
    assert same_bits(made, expected)
    assert 0 < (made == 0).float().mean() < 0.4


@pytest.mark.parametrize("kind", [Mixup, Cutmix])
def test_mixed_images_and_labels_are_the_hosts(torch, kind):
    from resnet_lab.engines.torch.augmentations.mixing import mixed, shares

    labels = torch.arange(30) % 4
    for seed in range(20):
        host = IMAGES.copy()
        expected = kind(1.0).mix(host, np.random.default_rng(seed))
        images = torch.from_numpy(IMAGES)
        made, share = mixed(kind(1.0), np.random.default_rng(seed), images, images.flip(0))
        assert same_bits(made, host)
        assert share == expected
        assert np.array_equal(images.numpy(), IMAGES)
        rows = shares(labels, labels.flip(0), share, 5)
        assert rows.shape == (30, 5)
        assert torch.allclose(rows.sum(1), torch.ones(30))
        assert rows[0, 0] == np.float32(share)
        assert rows[0, 1] == np.float32(1 - share)
