"""Order and augmentation: seeded, complete, and what they claim to be."""

import sys

import numpy as np
import pytest

from resnet_lab import LabError
from resnet_lab.data import AugmentSpec, Feed, InMemory, evaluation_batches
from resnet_lab.data.pipeline.pixels import Normalise


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
    batches = list(evaluation_batches(split, batch_size, (0.5, 0.25), (0.5, 0.1)))
    images = np.concatenate([images for images, _ in batches])
    assert np.concatenate([labels for _, labels in batches]).tolist() == list(range(50))
    expected = (split.images / 255 - np.array([0.5, 0.25]).reshape(2, 1, 1)) / np.array([0.5, 0.1]).reshape(2, 1, 1)
    assert np.allclose(images, expected, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_normalisation_has_the_bits_of_the_table(channels, monkeypatch):
    """By OpenCV, computed, or looked up by NumPy, for many a mean and deviation, every level and any layout."""
    cv2 = pytest.importorskip("cv2")
    rng = np.random.default_rng(0)
    for size in (16, 224):
        images = rng.integers(0, 256, (3, channels, size, size)).astype(np.uint8)
        for mean, std in rng.uniform(0.05, 1, (50 if size == 16 else 3, 2, channels)):
            normalise = Normalise(mean, std)
            assert normalise._computed
            wanted = np.stack([normalise.tables[c][images[:, c]] for c in range(channels)], axis=1)
            for module, computed in ((cv2, True), (None, True), (None, False)):
                monkeypatch.setitem(sys.modules, "cv2", module)
                normalise._computed = computed
                place = np.zeros((4, *images.shape[1:]), np.float32)
                assert np.array_equal(normalise(images), wanted)
                assert np.array_equal(normalise(images, place[:3]), wanted)
                assert np.array_equal(place[:3], wanted)
                assert np.array_equal(normalise(images.transpose(0, 1, 3, 2)), wanted.transpose(0, 1, 3, 2))
                grey = np.broadcast_to(images[:, :1], images.shape)
                assert np.array_equal(normalise(grey), normalise(grey.copy()))
                assert normalise(images[:0]).shape == (0, *images.shape[1:])
