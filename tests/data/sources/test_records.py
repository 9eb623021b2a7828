"""Datasets from RecordIO files, and ImageNet from records or folders."""

import pytest

from resnet_lab import LabError, data
from tests.data.writing import jpeg, record


def records(path, labels) -> None:
    path.write_bytes(b"".join(record(jpeg(number), label) for number, label in enumerate(labels)))


def test_records_are_a_dataset_and_labels_are_held_to_the_classes(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_LAB_DATA", str(tmp_path))
    records(tmp_path / "a.rec", [0, 1, 2, 1])
    records(tmp_path / "b.rec", [2, 0])
    found = data.load("recordio", size=16, options={"path": "a.rec", "test": "b.rec", "classes": 3})
    assert (found.train.labels.tolist(), found.test.labels.tolist()) == ([0, 1, 2, 1], [2, 0])
    batches = list(data.EvaluationBatches(found.train, 4, found.mean, found.std))
    assert batches[0][0].shape == (4, 3, 16, 16)
    with pytest.raises(LabError, match=r"'recordio', train: the label 2 of item 2 is outside the classes, 0 to 1"):
        data.load("recordio", size=16, options={"path": "a.rec", "test": "b.rec", "classes": 2})
    records(tmp_path / "a.rec", [0, 1.5])
    with pytest.raises(LabError, match=r"a\.rec: the label 1.5 of record 1 is not a whole number"):
        data.load("recordio", size=16, options={"path": "a.rec", "test": "b.rec", "classes": 3})
    with pytest.raises(LabError, match=r"is no \.rec file"):
        data.load("recordio", size=16, options={"path": str(tmp_path), "test": "b.rec", "classes": 3})


def test_imagenet_as_records_and_as_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_LAB_DATA", str(tmp_path))
    root = tmp_path / "imagenet"
    root.mkdir()
    with pytest.raises(LabError, match="holds neither train.rec and val.rec nor the folders train and val"):
        data.load("imagenet")
    records(root / "train.rec", [0, 999])
    records(root / "val.rec", [5])
    found = data.load("imagenet")
    assert (found.name, found.shape, len(found.classes), len(found.test)) == ("imagenet", (3, 224, 224), 1000, 1)
    (root / "train.rec").unlink()
    content = jpeg(1)
    for number in range(1000):
        for part in ("train", "val"):
            (root / part / f"n{number:08}").mkdir(parents=True)
            (root / part / f"n{number:08}" / "x.JPEG").write_bytes(content)
        if number == 1:
            with pytest.raises(LabError, match="holds 2 classes, where ImageNet has 1000"):
                data.load("imagenet", size=64)
    assert data.load("imagenet", size=64).train.shape == (3, 64, 64)
