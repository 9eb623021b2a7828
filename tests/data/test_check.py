"""Checks of a dataset: hashes, the balance of the classes, damaged pictures."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from resnet_lab import LabError, data
from resnet_lab.data import check
from resnet_lab.data.dataset import Dataset
from resnet_lab.data.formats.download import RemoteFile
from resnet_lab.data.pipeline.pictures import Files, InMemory, OnDisk
from tests.data.writing import jpeg


def in_memory(*labels: int) -> InMemory:
    return InMemory(np.zeros((len(labels), 1, 4, 4), np.uint8), np.array(labels, np.int32))


def test_each_file_is_checked_against_its_hash(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_LAB_DATA", str(tmp_path))
    (tmp_path / "things").mkdir()
    files = []
    for name in ("a.bin", "b.bin"):
        (tmp_path / "things" / name).write_bytes(name.encode())
        files.append(RemoteFile(name, sha256=hashlib.sha256(name.encode()).hexdigest()))

    @data.dataset("things", shape=(1, 4, 4), classes=2, count=2, files=("things", tuple(files)))
    def things() -> Dataset:
        raise AssertionError("the hashes are checked without reading the dataset")

    source = data.DATASETS.get("things")
    assert list(check.hashes(source)) == [
        f"{tmp_path / 'things' / file.name}: SHA256 {file.sha256} is right" for file in files
    ]
    (tmp_path / "things" / "b.bin").write_bytes(b"another content")
    with pytest.raises(LabError, match=r"b\.bin: is damaged: its SHA256 is not"):
        list(check.hashes(source))


def test_the_pictures_of_each_part_and_class_are_counted():
    whole = Dataset("d", ("a", "b", "c"), in_memory(0, 0, 0, 0, 1, 1, 2, 2), in_memory(0, 1), (0.0,), (1.0,))
    assert list(check.splits(whole)) == [("train", 8, 2, 4, "2.00"), ("test", 2, 0, 1, "a class has none")]
    parts = [name for name, _ in check.parts(replace(whole, validation=in_memory(2)))]
    assert parts == ["train", "validation", "test"]


def test_damaged_pictures_of_every_part_are_named_and_all_are_decoded(tmp_path):
    for number in range(6):
        (tmp_path / f"{number}.jpg").write_bytes(jpeg(number))
    whole = (tmp_path / "2.jpg").read_bytes()
    (tmp_path / "2.jpg").write_bytes(whole[:-200])
    (tmp_path / "5.jpg").write_bytes(b"no picture")
    files = Files(tmp_path, tuple(f"{number}.jpg" for number in range(6)))
    split = OnDisk(files, np.zeros(6, np.int32), np.arange(6))
    dataset = Dataset("d", ("a",), split.take(np.arange(4)), split.take(np.array([4, 5])), (0.5,) * 3, (0.3,) * 3)
    messages = check.damaged(dataset)
    assert [message.partition(" cannot")[0] for message in messages] == [str(tmp_path / f"{n}.jpg") for n in (2, 5)]
    assert check.damaged(replace(dataset, train=in_memory(0), test=in_memory(0))) == []
