"""Datasets: what is in them, and what an experiment makes of them."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from resnet_lab import LabError, data
from resnet_lab.data.dataset import Dataset, InMemory, statistics
from resnet_lab.data.formats.download import present
from resnet_lab.data.sources.fashion_mnist import read_idx


def test_digits_are_scikit_learns_with_a_fixed_split():
    digits = data.load("digits")
    assert (digits.shape, len(digits.train), len(digits.test), len(digits.classes)) == ((1, 8, 8), 1437, 360, 10)
    assert digits.test.labels[:10].tolist() == [7, 9, 4, 7, 0, 2, 6, 1, 3, 1]
    assert np.bincount(digits.train.labels).min() > 130
    from sklearn.datasets import load_digits

    theirs = np.rint(load_digits().images * (255 / 16)).astype(np.uint8)
    together = np.concatenate([digits.train.images, digits.test.images])
    assert sorted(image.tobytes() for image in together) == sorted(image.tobytes() for image in theirs)
    assert digits.train.images.max() == 255
    assert digits.train.images.mean() / 255 == pytest.approx(digits.mean[0], abs=1e-6)
    assert (digits.train.images / 255).std() == pytest.approx(digits.std[0], abs=1e-6)
    declared = data.DATASETS.get("digits")
    assert (declared.fixed.shape, declared.fixed.count, declared.fixed.classes) == (digits.shape, len(digits.train), 10)


def test_fashion_mnist_is_the_official_one(shared_data):
    fashion = data.load("fashion_mnist")
    assert (fashion.shape, len(fashion.train), len(fashion.test)) == ((1, 28, 28), 60_000, 10_000)
    assert fashion.train.labels[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert fashion.test.labels[:10].tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]
    assert np.bincount(fashion.train.labels).tolist() == [6000] * 10
    (mean,), (std,) = statistics(fashion.train.images)
    assert (round(mean, 6), round(std, 6)) == (fashion.mean[0], fashion.std[0]) == (0.286041, 0.353024)
    # Exactly 0.3524441...; the data's own README says 0.352442.
    assert [round(value[0], 6) for value in statistics(fashion.test.images)] == [0.286849, 0.352444]


def test_resize_is_pillows_bilinear():
    from PIL import Image

    split = data.load("digits").train
    few = InMemory(split.images[:3], split.labels[:3])
    for plane, ours in zip(few.images[:, 0], few.resized(20).images[:, 0], strict=True):
        assert np.array_equal(np.asarray(Image.fromarray(plane).resize((20, 20), Image.Resampling.BILINEAR)), ours)


@pytest.mark.parametrize(
    "content",
    [
        b"no gzip",
        gzip.compress(b"\0\0\x08\x01\0\0\0\x05abc", mtime=0),
        gzip.compress(b"\0\0\x0d\x01", mtime=0),
        gzip.compress(b"\0\0\x08\x01\0\0\0\x03abc", mtime=0)[:-9],
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path, content):
    (tmp_path / "x.gz").write_bytes(content)
    with pytest.raises(LabError, match=r"x\.gz: is (damaged|no idx file)"):
        read_idx(tmp_path / "x.gz")


@pytest.mark.parametrize("name", sorted(set(data.DATASETS.entries) - {"imagenet", "imagefolder", "recordio", "arrays"}))
def test_what_our_datasets_declare_is_what_is_read(name, shared_data):
    """Every dataset whose files are at hand; `read` compares shape, classes and count."""
    source = data.DATASETS.get(name)
    if any(present(source.folder, file) is None for file in source.files):
        pytest.skip(f"the files of {name} are not at hand")
    found = source.read({})
    facts = source.facts({})
    assert (found.shape, len(found.classes), len(found.train)) == (facts.shape, facts.classes, facts.count)
    assert found.name == name


def test_statistics_of_the_wrong_length_are_refused():
    @data.dataset("grey", shape=(1, 4, 4), classes=2, count=2)
    def grey() -> Dataset:
        split = InMemory(np.zeros((2, 1, 4, 4), np.uint8), np.array([0, 1], np.int32))
        return Dataset("grey", ("a", "b"), split, split, (0.0,) * 3, (1.0,) * 3)

    with pytest.raises(LabError, match="'grey' has 1 channels, but 3 values in its mean and 3 in its std"):
        data.load("grey")


@pytest.mark.parametrize("folder", ["sources", "augmentations", "formats/decoders"])
def test_every_file_of_a_registered_kind_is_imported_with_the_room(folder):
    """A new file that nothing imports would register nothing."""
    room = Path(data.__file__).parent
    given = {path.stem for path in (room / folder).glob("*.py")} - {"__init__", "contract"}
    holder = data if folder == "sources" else getattr(data, folder.rpartition("/")[2])
    assert given == {name for name in given if name in holder.__all__ and hasattr(holder, name)}
