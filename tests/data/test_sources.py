"""Datasets of files: archives, folders, records, arrays; what is in them, and what they refuse."""

import dataclasses
import gzip
import hashlib
import io
import pickle
import struct
import tarfile

import numpy as np
import pytest

from resnet_lab import LabError, data
from resnet_lab.data.formats import picture
from resnet_lab.data.formats.download import RemoteFile
from resnet_lab.data.sources import cifar, kmnist, mnist
from tests.data.test_recordio import record
from tests.data.test_stream import jpeg

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def tar(path, members: dict[str, bytes]):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def pictures(count: int) -> np.ndarray:
    return RNG.integers(0, 256, (count, 3, 32, 32)).astype(np.uint8)


def test_both_kinds_of_cifar_archives_hold_the_same(tmp_path):
    """CIFAR-10 in five parts and one to test on, with the layouts of its page; CIFAR-100 with two labels."""
    images, labels = pictures(12), np.arange(12) % 10
    names = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    binary, pickled = {"cifar-10-batches-bin/batches.meta.txt": b"airplane\nautomobile\n\n"}, {}
    for part, name in enumerate(names):
        own, which = images[2 * part : 2 * part + 2], labels[2 * part : 2 * part + 2]
        rows = np.concatenate([which[:, None].astype(np.uint8), own.reshape(2, -1)], axis=1)
        binary[f"cifar-10-batches-bin/{name}.bin"] = rows.tobytes()
        table = {"data": own.reshape(2, -1), "labels": which.tolist(), "filenames": ["a", "b"]}
        pickled[f"cifar-10-batches-py/{name}"] = pickle.dumps(table, protocol=2)
    pickled["cifar-10-batches-py/batches.meta"] = pickle.dumps({"label_names": ["airplane", "automobile"]}, protocol=2)
    first = cifar.read_binary(tar(tmp_path / "b.tar.gz", binary))
    second = cifar.read_pickled(tar(tmp_path / "p.tar.gz", pickled))
    for train, test, classes in (first, second):
        assert classes == ("airplane", "automobile")
        assert np.array_equal(np.concatenate([train.images, test.images]), images)
        assert np.concatenate([train.labels, test.labels]).tolist() == labels.tolist()

    rows = np.concatenate([np.full((12, 1), 3), labels[:, None] * 9, images.reshape(12, -1)], axis=1).astype(np.uint8)
    members = {"c/train.bin": rows[:9].tobytes(), "c/test.bin": rows[9:].tobytes(), "c/fine_label_names.txt": b"a\nb\n"}
    train, test, classes = cifar.read_binary(tar(tmp_path / "c.tar.gz", members))
    assert (train.labels.tolist(), len(test), classes) == ((labels[:9] * 9).tolist(), 3, ("a", "b"))


class Evil:
    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"train": pickle.dumps(Evil())}, r"p\.tar\.gz: is damaged: UnpicklingError: it asks for builtins.print"),
        ({"train": b"\x80"}, "is damaged"),
        ({}, "is damaged"),
    ],
)
def test_a_pickle_runs_nothing(tmp_path, capsys, members, told):
    with pytest.raises(LabError, match=told):
        cifar.read_pickled(tar(tmp_path / "p.tar.gz", members))
    assert capsys.readouterr().out == ""


def test_a_cifar_archive_that_is_cut_off(tmp_path):
    path = tar(tmp_path / "b.tar.gz", {"train.bin": bytes(3073 * 4), "test.bin": bytes(3073)})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(LabError, match=r"b\.tar\.gz: is damaged"):
        cifar.read_binary(path)
    with pytest.raises(LabError, match="its images take 5 bytes, which is no multiple of 3073"):
        cifar.read_binary(tar(tmp_path / "b.tar.gz", {"train.bin": bytes(5), "test.bin": bytes(3073)}))


@pytest.mark.parametrize("module", [kmnist, mnist])
def test_mnist_and_its_successors_from_their_four_files(tmp_path, monkeypatch, module):
    monkeypatch.setenv("RESNET_LAB_DATA", str(tmp_path))
    name = module.__name__.rpartition(".")[2]
    (tmp_path / name).mkdir()
    files = []
    for file, count in zip(module.FILES, (6, 6, 4, 4), strict=True):
        rank = 3 if "images" in file.name else 1
        shape = (count, 28, 28)[:rank]
        head = b"\0\0\x08" + bytes([rank]) + struct.pack(f">{rank}I", *shape)
        content = gzip.compress(head + (np.arange(np.prod(shape)) % 10).astype(np.uint8).tobytes())
        (tmp_path / name / file.name).write_bytes(content)
        files.append(RemoteFile(file.name, md5=hashlib.md5(content).hexdigest()))
    with pytest.raises(LabError, match=f"train-images-idx3-ubyte.gz: is damaged: its MD5 is not {module.FILES[0].md5}"):
        data.load(name)
    monkeypatch.setattr(module, "FILES", tuple(files))
    with pytest.raises(LabError, match=f"'{name}' declares 60000 images to train on, but 6 images were read"):
        data.load(name)
    source = data.DATASETS.get(name)
    data.DATASETS.add(dataclasses.replace(source, fixed=data.Facts((1, 28, 28), 10, 6)), replace=True)
    found = data.load(name)
    assert (found.name, found.shape, len(found.train), len(found.test)) == (name, (1, 28, 28), 6, 4)
    assert found.test.labels.tolist() == [0, 1, 2, 3]


@pytest.fixture
def folder(tmp_path):
    """Two classes of ten pictures, one of another format, in `photos/`."""
    from PIL import Image

    for number in range(20):
        place = tmp_path / "photos" / ("cat" if number < 10 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.JPG").write_bytes(jpeg(number))
    Image.fromarray(RNG.integers(0, 256, (20, 30)).astype(np.uint8)).save(tmp_path / "photos" / "dog" / "grey.png")
    (tmp_path / "photos" / "dog" / "notes.txt").write_text("no picture")
    (tmp_path / "photos" / ".git").mkdir()
    return tmp_path / "photos"


def test_any_folder_of_class_folders_is_a_dataset(folder):
    found = data.load("imagefolder", size=16, options={"path": str(folder)})
    assert found.classes == ("cat", "dog")
    assert (found.shape, len(found.train), len(found.test)) == ((3, 16, 16), 17, 4)
    assert np.bincount(found.test.labels).tolist() == [2, 2]
    assert not set(found.train.items.names) & set(found.test.items.names)
    again = data.load("imagefolder", size=16, seed=9, options={"path": str(folder)})
    assert again.test.items.names == found.test.items.names
    facts = data.DATASETS.get("imagefolder").facts({"path": str(folder)})
    assert (facts.shape, facts.classes, facts.count) == ((3, None, None), 2, 17)
    for split in (found.train, found.test):
        for images, _ in data.evaluation_batches(split, 5, found.mean, found.std):
            assert np.isfinite(images).all()


def test_a_folder_with_its_own_test_pictures_and_an_archive_of_it(folder, tmp_path):
    (tmp_path / "whole").mkdir()
    folder.rename(tmp_path / "whole" / "train")
    for name in ("cat", "dog"):
        (tmp_path / "whole" / "val" / name).mkdir(parents=True)
        (tmp_path / "whole" / "val" / name / "x.jpg").write_bytes(jpeg(99))
    with tarfile.open(tmp_path / "photos.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "whole", "photos")
    for path in (tmp_path / "whole", tmp_path / "photos.tar.gz"):
        found = data.load("imagefolder", size=16, validation=0.1, options={"path": str(path)})
        assert (len(found.train), len(found.validation), len(found.test)) == (19, 2, 2)
    (tmp_path / "whole" / "val" / "dog").rename(tmp_path / "whole" / "val" / "dgo")
    with pytest.raises(LabError, match="train and val do not have the same classes: dgo, dog"):
        data.load("imagefolder", size=16, options={"path": str(tmp_path / "whole")})


def test_what_a_folder_must_not_be(folder, tmp_path):
    def load(path=folder, **options):
        return data.load("imagefolder", size=16, options={"path": str(path), **options})

    with pytest.raises(LabError, match="there is no '.*nowhere', neither from"):
        load(tmp_path / "nowhere")
    with pytest.raises(LabError, match=r"cat: holds 0 class folder\(s\), where two or more"):
        load(folder / "cat")
    with pytest.raises(LabError, match="is no folder"):
        load(folder / "cat" / "0.JPG")
    with pytest.raises(LabError, match="'test' of dataset 'imagefolder' is 1.5: it should be above 0"):
        load(test=1.5)
    with pytest.raises(LabError, match=r"unknown option of dataset 'imagefolder': 'tset'; did you mean 'test'"):
        load(tset=0.5)
    with pytest.raises(LabError, match=r"unknown decoder 'cv2' \(known: fast, pillow\)"):
        load(decoder="cv2")
    with pytest.raises(LabError, match="dataset 'imagefolder' needs the option 'path'"):
        data.load("imagefolder", size=16)
    with pytest.raises(LabError, match="must be resized: set 'size'"):
        _ = data.load("imagefolder", options={"path": str(folder)}).shape
    (folder / "bird").mkdir()
    with pytest.raises(LabError, match=r"photos/bird: the class 'bird' is empty: no picture \(\.jpg"):
        load()


@pytest.mark.parametrize("suffix", picture.SUFFIXES)
def test_a_class_folder_holds_the_kinds_of_pictures_that_predict_takes(folder, suffix):
    from PIL import Image

    image = Image.fromarray(np.zeros((8, 8), np.uint8))
    image.save(folder / "cat" / f"extra{suffix.upper()}")
    assert picture.find([folder / "cat"])[-1].name == f"extra{suffix.upper()}"
    found = data.load("imagefolder", size=8, options={"path": str(folder)})
    assert f"cat/extra{suffix.upper()}" in {*found.train.items.names, *found.test.items.names}
    assert {".ppm", ".pgm", ".webp", ".jpg"} <= set(picture.SUFFIXES)


def records(path, labels) -> None:
    path.write_bytes(b"".join(record(jpeg(number), label) for number, label in enumerate(labels)))


def test_records_are_a_dataset_and_labels_are_held_to_the_classes(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_LAB_DATA", str(tmp_path))
    records(tmp_path / "a.rec", [0, 1, 2, 1])
    records(tmp_path / "b.rec", [2, 0])
    found = data.load("recordio", size=16, options={"path": "a.rec", "test": "b.rec", "classes": 3})
    assert (found.train.labels.tolist(), found.test.labels.tolist()) == ([0, 1, 2, 1], [2, 0])
    batches = list(data.evaluation_batches(found.train, 4, found.mean, found.std))
    assert batches[0][0].shape == (4, 3, 16, 16)
    with pytest.raises(LabError, match=r"'recordio', train: the label 2 of item 2 is outside the classes, 0 to 1"):
        data.load("recordio", size=16, options={"path": "a.rec", "test": "b.rec", "classes": 2})
    records(tmp_path / "a.rec", [0, 1.5])
    with pytest.raises(LabError, match=r"a\.rec: the label 1.5 of record 1 is no class"):
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


@pytest.mark.parametrize("layout", ["grey", "last", "first"])
def test_arrays_of_ones_own(tmp_path, layout):
    images = RNG.integers(0, 256, (6, 3, 8, 8)).astype(np.uint8)
    stored = {"grey": images[:, 0], "last": images.transpose(0, 2, 3, 1), "first": images}[layout]
    np.savez(
        tmp_path / "a.npz",
        x_train=stored[:4], y_train=np.array([[0], [1], [2], [1]]), x_test=stored[4:], y_test=np.array([0, 2]),
        classes=np.array(["a", "b", "c"]),
    )  # fmt: skip
    found = data.load("arrays", options={"path": str(tmp_path / "a.npz")})
    assert (found.classes, found.train.labels.tolist()) == (("a", "b", "c"), [0, 1, 2, 1])
    assert np.array_equal(found.test.images, images[4:, :1] if layout == "grey" else images[4:])


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x": np.zeros(3)}, "holds x, where train_images, train_labels, test_images, test_labels were expected"),
        ({"x_train": np.zeros((4, 8, 8))}, r"'x_train' is float64 \(4, 8, 8\), where uint8"),
        ({"y_train": np.zeros(3, int)}, r"'y_train' is int64 \(3,\), where 4 whole numbers were expected"),
        ({"y_test": np.array([0, 9])}, "'arrays', test: the label 9 of item 1 is outside the classes, 0 to 3"),
        (
            {"x_test": np.zeros((2, 9, 9), np.uint8)},
            r"images to train on are \(1, 8, 8\), those to test on \(1, 9, 9\)",
        ),
        ({"y_test": np.array([{}, {}])}, r"is no \.npz file of plain arrays"),
    ],
)
def test_arrays_that_are_wrong(tmp_path, arrays, told):
    right = {
        "x_train": np.zeros((4, 8, 8), np.uint8),
        "y_train": np.arange(4),
        "x_test": np.zeros((2, 8, 8), np.uint8),
        "y_test": np.arange(2),
    }
    np.savez(tmp_path / "a.npz", **(arrays if "x" in arrays else right | arrays))
    with pytest.raises(LabError, match=told):
        data.load("arrays", options={"path": str(tmp_path / "a.npz")})


def test_synthetic_has_the_size_that_is_asked_for():
    found = data.load("synthetic", size=48, options={"classes": 7, "count": 20})
    assert (found.shape, len(found.train), len(found.classes)) == ((3, 48, 48), 20, 7)
    assert data.DATASETS.get("synthetic").facts({"count": 20}, 48).shape == (3, 48, 48)


def test_a_dataset_of_ones_own_that_fails_is_named_with_its_line():
    @data.dataset("broken", shape=(3, 4, 4), classes=2, count=2)
    def broken(depth: int = 1):
        raise KeyError(depth)

    with pytest.raises(LabError, match=r"test_sources\.py:\d+: dataset 'broken' fails: KeyError: 3"):
        data.load("broken", options={"depth": 3})
    with pytest.raises(LabError, match="'neither' needs either its shape, classes and count, or facts"):
        data.dataset("neither")
