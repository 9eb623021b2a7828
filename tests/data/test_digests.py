"""Digests of files and folders: by content, remembered between runs, never stale."""

import os
import sys
from pathlib import Path

import pytest

from resnet_lab import LabError
from resnet_lab.data.formats import digests
from resnet_lab.data.formats.digests import content_digest, file_digests


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "_SETTLED_NS", 0)


@pytest.fixture
def read(monkeypatch):
    """The files that were read, in the order of their names."""
    names: list[str] = []
    whole = digests.digest

    def noting(path, kind):
        names.append(path.name)
        return whole(path, kind)

    monkeypatch.setattr(digests, "digest", noting)
    return names


def tree(place: Path, **contents: str) -> Path:
    for name, text in contents.items():
        path = place / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return place


def test_a_folder_is_known_by_its_names_and_contents(tmp_path):
    first = content_digest(tree(tmp_path / "a", x__one="1", x__two="2"))
    assert content_digest(tree(tmp_path / "b", x__one="1", x__two="2")) == first
    others = [
        {"x__one": "1", "x__two": "3"},
        {"x__one": "2", "x__two": "1"},
        {"x__one": "1", "y__two": "2"},
        {"x__one": "1", "x__two": "2", "x__three": ""},
        {"x__one": "1"},
    ]
    found = {content_digest(tree(tmp_path / f"c{number}", **other)) for number, other in enumerate(others)}
    assert len(found | {first}) == 6


def test_a_file_is_known_by_its_content_alone(tmp_path):
    tree(tmp_path, one="same", two="same", three="other")
    assert content_digest(tmp_path / "one") == content_digest(tmp_path / "two") != content_digest(tmp_path / "three")


def test_a_linked_folder_is_read_once_and_a_circle_of_links_ends(tmp_path):
    tree(tmp_path / "a", one="1")
    tree(tmp_path / "b", two="2")
    before = content_digest(tmp_path / "a")
    (tmp_path / "a" / "link").symlink_to(tmp_path / "b", target_is_directory=True)
    (tmp_path / "b" / "back").symlink_to(tmp_path / "a", target_is_directory=True)
    linked = content_digest(tmp_path / "a")
    assert linked != before
    (tmp_path / "b" / "two").write_text("3")
    assert content_digest(tmp_path / "a") not in (before, linked)


def test_files_are_read_once_until_they_change(tmp_path, read):
    place = tree(tmp_path / "a", one="1", two="2", three="3")
    first = content_digest(place)
    assert sorted(read) == ["one", "three", "two"]
    assert content_digest(place) == first
    assert len(read) == 3
    (place / "two").write_text("4")
    assert content_digest(place) != first
    assert read[3:] == ["two"]


def test_a_change_that_keeps_size_and_time_is_seen(tmp_path, read):
    """As when one archive is unpacked over another: same names, same sizes, same times."""
    (path,) = [tree(tmp_path / "a", one="1") / "one"]
    os.utime(path, ns=(10**18, 10**18))
    first = file_digests([path])
    path.write_text("2")
    os.utime(path, ns=(10**18, 10**18))
    assert file_digests([path]) != first


def test_a_file_that_has_just_been_written_is_not_remembered(tmp_path, read, monkeypatch):
    """The clock of a file system is coarse: a second change within the same tick could not be seen."""
    monkeypatch.setattr(digests, "_SETTLED_NS", 10**12)
    path = tree(tmp_path / "a", one="1") / "one"
    assert file_digests([path]) == file_digests([path])
    assert read == ["one", "one"]


def test_many_files_keep_their_order(tmp_path):
    place = tree(tmp_path / "a", **{f"f{number}": str(number % 7) for number in range(700)})
    paths = [place / f"f{number}" for number in range(700)]
    found = file_digests(paths)
    assert len(set(found)) == 7
    assert found[:7] * 100 == found


def test_a_long_reading_is_announced(tmp_path, capsys, monkeypatch):
    place = tree(tmp_path / "a", one="1", two="2")
    content_digest(place)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(digests, "_LARGE_BYTES", 1)
    (place / "two").write_text("other")
    (place / "one").write_text("other")
    content_digest(place)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "reading 2 files" in printed.err.replace("\n", " ")
    content_digest(place)
    assert capsys.readouterr().err == ""


def test_a_cache_that_cannot_be_written_is_told_and_the_digest_is_right(tmp_path, capsys, monkeypatch):
    place = tree(tmp_path / "a", one="1")
    first = content_digest(place)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert content_digest(place) == first
    assert "digests of files cannot be kept in" in capsys.readouterr().err


def test_a_damaged_memory_is_told_and_the_digest_is_right(tmp_path, capsys):
    place = tree(tmp_path / "a", one="1")
    first = content_digest(place)
    (memory,) = (tmp_path / "cache").rglob("digests.sqlite")
    memory.write_bytes(b"no database" * 1000)
    assert content_digest(place) == first
    assert "digests of files cannot be kept in" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="needs file names that are no valid text")
def test_a_name_that_is_no_text_is_remembered_too(tmp_path, read):
    place = os.fsdecode(os.fsencode(tmp_path) + b"/a\xff")
    Path(place).write_bytes(b"1")
    assert file_digests([Path(place)]) == file_digests([Path(place)])
    assert len(read) == 1
    assert content_digest(tmp_path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    tree(tmp_path / "a", one="1")
    (tmp_path / "a" / "gone").symlink_to(tmp_path / "nowhere")
    with pytest.raises(LabError, match=r"gone: cannot be read: No such file"):
        content_digest(tmp_path / "a")
