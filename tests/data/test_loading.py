"""A dataset as an experiment asks for it."""

import hashlib
import os

import numpy as np
import pytest

from resnet_lab import LabError, data
from resnet_lab.data.dataset import Dataset, InMemory
from resnet_lab.data.formats.download import RemoteFile, locate
from resnet_lab.data.loading import load_planned
from resnet_lab.specs.data import DataSpec


def test_size_channels_and_validation():
    three = data.load("digits", size=32, channels=3, validation=0.1, seed=5)
    assert three.shape == (3, 32, 32)
    assert (three.mean[0], len(three.mean)) == (three.mean[2], 3)
    assert np.array_equal(three.train.images[:, 0], three.train.images[:, 2])
    assert (len(three.train), len(three.validation), len(three.test)) == (1293, 144, 360)
    again, other = data.load("digits", validation=0.1, seed=5), data.load("digits", validation=0.1, seed=6)
    assert np.array_equal(three.validation.labels, again.validation.labels)
    assert not np.array_equal(three.validation.labels, other.validation.labels)
    together = np.concatenate([again.train.images, again.validation.images]).reshape(1437, -1)
    raw = data.load("digits").train.images.reshape(1437, -1)
    assert sorted(map(bytes, together)) == sorted(map(bytes, raw))


def test_one_channel_cannot_be_had_from_three():
    @data.dataset("red", shape=(3, 4, 4), classes=2, count=2)
    def red() -> Dataset:
        split = InMemory(np.zeros((2, 3, 4, 4), np.uint8), np.array([0, 1], np.int32))
        return Dataset("red", ("a", "b"), split, split, (0.0,) * 3, (1.0,) * 3)

    assert data.load("red").shape == (3, 4, 4)
    with pytest.raises(LabError, match="'red' has 3 channels and cannot be given 1"):
        data.load("red", channels=1)


def test_a_limit_keeps_a_balanced_part_that_the_seed_draws():
    part = data.load("digits", limit=105, seed=3).train
    counts = np.bincount(part.labels)
    assert (len(part), counts.min(), counts.max()) == (105, 10, 11)
    again, other = data.load("digits", limit=105, seed=3).train, data.load("digits", limit=105, seed=4).train
    assert np.array_equal(part.images, again.images)
    assert not np.array_equal(part.images, other.images)
    smaller = data.load("digits", limit=50, seed=3).train
    assert {*map(bytes, smaller.images)} <= {*map(bytes, part.images)}


def test_a_limit_leaves_validation_and_test_whole():
    limited, whole = (data.load("digits", validation=0.1, limit=limit) for limit in (200, None))
    assert np.array_equal(limited.validation.images, whole.validation.images)
    assert np.array_equal(limited.test.images, whole.test.images)
    assert {*map(bytes, limited.train.images)} <= {*map(bytes, whole.train.images)}
    with pytest.raises(LabError, match="'data.limit' is 1438, but dataset 'digits' has only 1437 images"):
        data.load("digits", limit=1438)


def test_a_rare_class_is_kept_whole_and_the_others_fill_up():
    @data.dataset("uneven", shape=(1, 2, 2), classes=3, count=13)
    def uneven() -> Dataset:
        labels = np.array([0] * 8 + [1] * 4 + [2], np.int32)
        split = InMemory(np.zeros((13, 1, 2, 2), np.uint8), labels)
        return Dataset("uneven", ("a", "b", "c"), split, split, (0.0,), (1.0,))

    for limit, counts in ((9, [4, 4, 1]), (11, [6, 4, 1]), (13, [8, 4, 1])):
        assert np.bincount(data.load("uneven", limit=limit).train.labels).tolist() == counts


@pytest.mark.parametrize("share", [0.0001, 0.9999])
def test_a_validation_part_that_leaves_one_part_empty_is_refused(share):
    with pytest.raises(LabError, match=f"'data.validation' is {share}, which puts (0|1437) of 1437 images"):
        data.load("digits", validation=share)


def test_a_planned_dataset_is_read_without_a_second_check_of_its_options(monkeypatch):
    spec = DataSpec.model_validate({"name": "digits", "size": 12, "channels": 3, "validation": 0.1})
    asked = data.load("digits", size=12, channels=3, validation=0.1, seed=4)
    monkeypatch.setattr(data.Source, "check", lambda *words, **options: pytest.fail("checked again"))
    planned = data.load_planned(spec, 4)
    assert np.array_equal(planned.validation.images, asked.validation.images)
    assert np.array_equal(planned.train.images, asked.train.images)


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """A dataset with a file of a published hash, and the images of each time that it was read."""
    file, reads = tmp_path / "home" / "few" / "few.bin", []
    file.parent.mkdir(parents=True)
    file.write_bytes(b"few")
    monkeypatch.setenv("RESNET_LAB_DATA", str(tmp_path / "home"))
    remote = RemoteFile("few.bin", md5=hashlib.md5(b"few").hexdigest())

    @data.dataset("few", shape=(1, 4, 4), classes=2, count=6, files=("few", (remote,)))
    def few(value: int = 0) -> Dataset:
        locate("few", remote)
        split = InMemory(np.full((6, 1, 4, 4), value, np.uint8), np.array([0, 1] * 3, np.int32))
        reads.append(split)
        return Dataset("few", ("a", "b"), split, split, (0.0,), (1.0,))

    return reads, file


def test_images_from_checked_files_are_read_once_for_several_trials(counted):
    reads, _ = counted
    spec = DataSpec(name="few", size=8, limit=4)
    first, second = (load_planned(spec, seed) for seed in (0, 1))
    assert len(reads) == 1
    assert first.test.images is second.test.images
    assert len(first.train) == len(second.train) == 4
    with pytest.raises(ValueError, match="read-only"):
        first.test.images[0] = 1
    for change in ({"size": 6}, {"channels": 3}, {"value": 3}):
        load_planned(DataSpec(**{"name": "few", "size": 8, "limit": 4} | change), 0)
    assert len(reads) == 4
    load_planned(spec, 0)
    assert len(reads) == 5, "only the last one is kept"


def test_changed_files_are_read_and_checked_again(counted):
    reads, file = counted
    data.load("few")
    os.utime(file, ns=(1, 1))
    data.load("few")
    assert len(reads) == 2
    file.write_bytes(b"two")
    with pytest.raises(LabError, match="is damaged"):
        data.load("few")


def test_a_function_of_ones_own_is_asked_each_time():
    reads = []

    @data.dataset("mine", shape=(1, 4, 4), classes=2, count=6)
    def mine() -> Dataset:
        reads.append(1)
        split = InMemory(np.zeros((6, 1, 4, 4), np.uint8), np.array([0, 1] * 3, np.int32))
        return Dataset("mine", ("a", "b"), split, split, (0.0,), (1.0,))

    for _ in range(2):
        data.load("mine").train.images[0] = 1
    assert len(reads) == 2
