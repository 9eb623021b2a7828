"""Archives: unpacked once, nothing outside their folder, links and damage refused."""

import tarfile
import zipfile

import numpy as np
import pytest

from resnet_lab import LabError
from resnet_lab.data.formats.archives import unpack, unpacked
from tests.data.writing import tar

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped", "a/../../escaped", "C:escaped"])
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_no_member_of_an_archive_leaves_its_folder(tmp_path, name, kind):
    path = tmp_path / f"bad.{kind}"
    if kind == "tar":
        tar(path, {"fine.txt": b"fine", name: b"escaped"})
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("fine.txt", "fine")
            archive.writestr(name, "escaped")
    with pytest.raises(LabError, match=r"bad\.(tar|zip): holds '.*escaped', which would leave its folder"):
        unpacked(path)
    assert not list(tmp_path.rglob("escaped"))
    assert not list((tmp_path / "cache").rglob("fine.txt"))


def test_links_are_refused_and_a_good_archive_is_unpacked_once(tmp_path):
    with tarfile.open(tmp_path / "link.tar", "w") as archive:
        link = tarfile.TarInfo("inside")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(LabError, match="holds 'inside', no plain file, which is refused"):
        unpack(tmp_path / "link.tar", tmp_path / "out")
    content = RNG.bytes(100_000)
    good = tar(tmp_path / "good.tgz", {"a/b.txt": content})
    place = unpacked(good)
    assert (place / "a" / "b.txt").read_bytes() == content
    (place / "mark").touch()
    assert (unpacked(good) / "mark").exists()
    good.write_bytes(good.read_bytes()[:50_000])
    with pytest.raises(LabError, match=r"good\.tgz: is damaged"):
        unpacked(good)
