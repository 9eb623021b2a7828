"""Files are written completely or not at all."""

import errno
import os
import stat
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from resnet_lab.base.errors import LabError
from resnet_lab.base.files import atomic_write, read_json, write_json, write_text
from resnet_lab.weights import gluon_params, safetensors


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
    "text": "from resnet_lab.base.files import write_text; write_text(path, 'x' * 100_000)",
    "safetensors": "from resnet_lab.weights.safetensors import save; save(path, arrays)",
    "gluon": "from resnet_lab.weights.gluon_params import write; write(path, arrays)",
    "torch": "from resnet_lab.weights.export.write import torch; torch(path, None, arrays)",
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_one_message_for_every_writer(tmp_path, writer):
    """A limit on the size of files stands in for the full disk."""
    if writer == "torch":
        pytest.importorskip("torch")
    code = f"""
        import resource, signal
        from pathlib import Path
        import numpy as np
        from resnet_lab import LabError
        arrays, path = {{"a": np.zeros(25_000, np.float32)}}, Path({str(tmp_path / "file")!r})
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        try:
            {WRITERS[writer]}
        except LabError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.stdout.startswith(f"{tmp_path}/file: cannot be written: "), done.stderr
    assert "arge" in done.stdout  # "File too large", in the words of the library
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
