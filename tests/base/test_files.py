"""Files are written completely or not at all."""

import errno
import os
import resource
import signal
import stat
from contextlib import contextmanager

import numpy as np
import pytest

from resnet_lab.base.errors import LabError
from resnet_lab.base.files import atomic_write, read_json, write_json, write_text
from resnet_lab.weights import gluon_params, safetensors
from resnet_lab.weights.export import write


def test_a_writer_that_takes_a_path(tmp_path):
    path = tmp_path / "numbers.txt"
    with atomic_write(path) as partial:
        assert partial.parent == tmp_path
        partial.write_text("1 2 3")
        assert not path.exists()
    assert path.read_text() == "1 2 3"
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "numbers.txt"
    path.write_text("old")

    def fail() -> None:
        with atomic_write(path) as partial:
            partial.write_text("ne")
            raise ValueError

    with pytest.raises(ValueError, match="^$"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_and_back(tmp_path):
    write_json(tmp_path / "a.json", {"a": [1, None]})
    assert read_json(tmp_path / "a.json") == {"a": [1, None]}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_takes_no_file_is_one_message(tmp_path, number):
    def fail() -> None:
        with atomic_write(tmp_path / "a.json"):
            raise OSError(number, os.strerror(number))

    with pytest.raises(LabError, match=rf"a.json: cannot be written: {os.strerror(number)}"):
        fail()


def test_a_folder_that_takes_no_file_is_one_message(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match=r"file/a.json: cannot be written: Not a directory"):
        write_text(tmp_path / "file" / "a.json", "{}")


WRITERS = {
    "text": lambda path, arrays: write_text(path, "x" * 100_000),
    "safetensors": safetensors.save,
    "gluon": gluon_params.write,
    "torch": lambda path, arrays: write.torch(path, None, arrays),
}


@contextmanager
def files_of_at_most(size):
    """A limit on the size of files, which takes the place of a full disk."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_one_message_for_every_writer(tmp_path, writer):
    if writer == "torch":
        pytest.importorskip("torch")
    path = tmp_path / "file"
    with pytest.raises(LabError) as caught, files_of_at_most(50_000):
        WRITERS[writer](path, {"a": np.zeros(25_000, np.float32)})
    assert str(caught.value).startswith(f"{path}: cannot be written: ")
    assert "arge" in str(caught.value)  # "File too large", in the words of the library
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_permissions_are_those_of_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        arrays = {"a": np.zeros(3, np.float32)}
        safetensors.save(tmp_path / "a.safetensors", arrays)
        gluon_params.write(tmp_path / "a.params", arrays)
        write_text(tmp_path / "a.txt", "")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o666 & ~mask}
