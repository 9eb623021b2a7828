"""Order and augmentation: seeded, complete, and what they claim to be."""

import numpy as np
import pytest

from resnet_lab import LabError
from resnet_lab.data import AugmentSpec, EvaluationBatches, Feed, InMemory


def feed(pad=0, flip=False, **changes) -> Feed:
    count = 50
    images = np.arange(count * 2 * 5 * 5, dtype=np.int64).reshape(count, 2, 5, 5) % 251 + 1
    split = InMemory(images.astype(np.uint8), np.arange(count, dtype=np.int32))
    settings = {"batch_size": 8, "seed": 3, "mean": (0.0, 0.0), "std": (1 / 255, 1 / 255)} | changes
    return Feed(split, augment=AugmentSpec(pad_crop=pad, flip=flip), **settings)


def epoch(source: Feed, number: int) -> tuple[np.ndarray, np.ndarray]:
    batches = list(source.epoch(number))
    return np.concatenate([images for images, _ in batches]), np.concatenate([labels for _, labels in batches])


def test_an_epoch_shows_each_image_once_but_the_incomplete_batch():
    images, labels = epoch(feed(), 0)
    assert images.dtype == np.float32
    assert len(labels) == 48
    assert len(set(labels.tolist())) == 48
    assert np.allclose(images, feed().split.images[labels])


def test_a_batch_of_more_images_than_there_are_is_refused():
    with pytest.raises(LabError, match="a batch has 51 images, but there are only 50 to train on"):
        feed(batch_size=51)
    assert feed(batch_size=50).steps == 1


def test_draws_depend_on_seed_and_epoch_alone():
    same = feed(pad=2, flip=True)
    for a, b in zip(epoch(same, 1), epoch(feed(pad=2, flip=True), 1), strict=True):
        assert np.array_equal(a, b)
    assert not np.array_equal(epoch(same, 1)[1], epoch(same, 2)[1])
    assert not np.array_equal(epoch(same, 1)[1], epoch(feed(seed=4), 1)[1])
    assert np.array_equal(epoch(same, 1)[1], epoch(feed(), 1)[1])  # augmentation does not disturb the order


def test_crop_and_flip_are_those_that_were_drawn():
    source = feed(pad=2, flip=True)
    draws = source.draws(0)
    images, _ = epoch(source, 0)
    for place, image in enumerate(images):
        padded = np.pad(source.split.images[draws.order[place]], ((0, 0), (2, 2), (2, 2)))
        y, x = draws.corners[place]
        expected = padded[:, y : y + 5, x : x + 5]
        assert np.allclose(image, expected[..., ::-1] if draws.flips[place] else expected)
    assert 0 < draws.flips.mean() < 1
    assert set(map(tuple, feed(pad=2, batch_size=1).draws(0).corners.tolist())) <= {
        (y, x) for y in range(5) for x in range(5)
    }


@pytest.mark.parametrize("batch_size", [1, 7, 50, 64])
def test_evaluation_shows_every_image_in_order(batch_size):
    split = feed().split
    batches = list(EvaluationBatches(split, batch_size, (0.5, 0.25), (0.5, 0.1)))
    images = np.concatenate([images for images, _ in batches])
    assert np.concatenate([labels for _, labels in batches]).tolist() == list(range(50))
    expected = (split.images / 255 - np.array([0.5, 0.25]).reshape(2, 1, 1)) / np.array([0.5, 0.1]).reshape(2, 1, 1)
    assert np.allclose(images, expected, atol=1e-6)
