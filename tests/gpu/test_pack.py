"""The folder for a GPU machine without a network: pinned wheels, data, and loads below a limit."""

import subprocess

import pytest

from tests.conftest import ROOT

from . import pack


def test_every_package_has_one_exact_version():
    assert all("==" in line for line in pack.pins(ROOT / "constraints.txt", pack.LACKING))


def test_a_package_without_a_single_version_is_refused(tmp_path):
    file = tmp_path / "constraints.txt"
    file.write_text("pydantic_core==2\nnumpy==1; python_version < '3.12'\nnumpy==2; python_version >= '3.12'\n")
    assert pack.pins(file, ["pydantic-core"]) == ["pydantic_core==2"]
    for name in ("numpy", "torch"):
        with pytest.raises(LookupError, match=name):
            pack.pins(file, [name])


def test_loads_keep_to_the_limit_where_they_can():
    parts = {"wheels": 3, "a": 30, "b": 55, "c": 70}
    assert pack.loads(parts, 60) == [["wheels", "a"], ["b"], ["c"]]
    assert pack.loads(parts, 100) == [["wheels", "a", "b"], ["c"]]


def test_the_folder_has_everything_that_its_script_reads(tmp_path, monkeypatch, capsys):
    data = tmp_path / "all"
    (data / "cifar10").mkdir(parents=True)
    (data / "cifar10" / "train.rec").write_bytes(b"x" * (1 << 20))

    def download(requirements, folder, python):
        folder.mkdir(exist_ok=True)
        (folder / f"{requirements[0]}.whl").write_bytes(b"y" * (1 << 19))

    monkeypatch.setattr(pack, "download", download)
    folder = tmp_path / "carry"
    assert pack.main([str(folder), "--data", str(data)]) == 0
    assert pack.main([str(folder), "--data", str(data), "--limit", "0.9"]) == 1
    printed = capsys.readouterr().out
    assert "there is no fashion-mnist" in printed
    assert "wheels: 0.5 MiB\ndata/cifar10: 1.0 MiB\nload 1: run.sh revision.txt wheels data/cifar10\n" in printed
    assert (folder / "data" / "cifar10" / "train.rec").stat().st_size == 1 << 20
    assert (folder / "revision.txt").is_file()
    subprocess.run(["bash", "-n", str(folder / "run.sh")], check=True)
