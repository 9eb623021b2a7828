"""CIFAR-10 and CIFAR-100 from archives of both kinds; a damaged archive is named, and a pickle runs no code."""

import pickle

import numpy as np
import pytest

from resnet_lab import LabError
from resnet_lab.data.sources import cifar
from tests.data.writing import tar

RNG = np.random.default_rng(0)


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
        (
            {"train": pickle.dumps(Evil())},
            r"p\.tar\.gz: is damaged: UnpicklingError: it refers to builtins.print, which is neither",
        ),
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
