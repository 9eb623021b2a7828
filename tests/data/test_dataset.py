"""Datasets: what is in them, and what an experiment makes of them."""

from pathlib import Path

import numpy as np
import pytest

from resnet_lab import LabError, data
from resnet_lab.data.dataset import Dataset, InMemory
from resnet_lab.data.formats.download import present

OF_A_PERSON = {"imagenet", "imagefolder", "recordio", "arrays"}
READ_ELSEWHERE = {"cifar10-jpeg"}
"""Decoding 60,000 pictures takes six seconds: tests/data/sources/test_cifar10_jpeg.py does it once, and checks more."""


@pytest.mark.parametrize("name", sorted(set(data.DATASETS.entries) - OF_A_PERSON - READ_ELSEWHERE))
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


def test_a_dataset_of_ones_own_that_fails_is_named_with_its_line():
    @data.dataset("broken", shape=(3, 4, 4), classes=2, count=2)
    def broken(depth: int = 1):
        raise KeyError(depth)

    with pytest.raises(LabError, match=r"test_dataset\.py:\d+: dataset 'broken' fails: KeyError: 3"):
        data.load("broken", options={"depth": 3})
    with pytest.raises(LabError, match="'neither' needs either its shape, classes and count, or facts"):
        data.dataset("neither")
