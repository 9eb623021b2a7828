"""Downloads: resumed, checked, renamed, safe beside others; whatever happens, nothing half-written is used."""

import hashlib
import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from resnet_lab import LabError
from resnet_lab.data.formats import download
from resnet_lab.data.formats.download import RemoteFile, fetch, locate
from tests.conftest import ROOT

CONTENT = bytes(range(256)) * 1000
FILE = RemoteFile("f.bin", "http://127.0.0.1:9/none", hashlib.md5(CONTENT).hexdigest(), len(CONTENT))


class Server:
    """A host of one file, which can be told to break off, to know no ranges, to be away for a while, to be slow."""

    def __init__(self, content: bytes) -> None:
        self.content, self.cuts, self.ranges, self.failures, self.requests = content, [], True, 0, []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked = self.headers.get("Range")
                server.requests.append((self.path, asked))
                if server.failures:
                    server.failures -= 1
                    self.send_error(503)
                    return
                start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.ranges else 0
                if start >= len(server.content):
                    self.send_error(416)
                    return
                rest = server.content[start:]
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(rest)))
                self.end_headers()
                self.wfile.write(rest[: server.cuts.pop(0)] if server.cuts else rest)

            def log_message(self, *words): ...

        self.host = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.host.server_port}"
        threading.Thread(target=self.host.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A mirror on this machine; the cache and the data folder are empty."""
    made = Server(CONTENT)
    monkeypatch.setenv("RESNET_LAB_MIRROR", made.url)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("RESNET_LAB_DATA", raising=False)
    monkeypatch.setattr(download.time, "sleep", lambda seconds: None)
    yield made
    made.host.shutdown()


def left(tmp_path) -> set[str]:
    """What lies in the cache, without locks."""
    return {path.name for path in (tmp_path / "cache").rglob("f.bin*") if path.suffix != ".lock"}


def test_a_server_that_stops_in_the_middle_and_answers_again(server, tmp_path):
    server.cuts = [1000, 50_000, 0, 100_000]
    server.failures = 1
    path = locate("things", FILE)
    assert path.read_bytes() == CONTENT
    starts = [None, None, "bytes=1000-", "bytes=51000-", "bytes=51000-", "bytes=151000-"]
    assert [of for _, of in server.requests] == starts
    assert left(tmp_path) == {"f.bin"}


def test_a_server_without_ranges_begins_anew(server):
    server.ranges, server.cuts = False, [1000, 200_000]
    assert locate("things", FILE).read_bytes() == CONTENT


def test_a_download_that_was_broken_off_goes_on_in_the_next_run(server, tmp_path):
    server.cuts = [70_000] + [0] * 20
    with pytest.raises(LabError, match=r"f.bin cannot be fetched from .*: the connection ended after 70000 of 256000"):
        locate("things", FILE)
    assert left(tmp_path) == {"f.bin.partial"}
    server.cuts, server.requests = [], []
    assert locate("things", FILE).read_bytes() == CONTENT
    assert server.requests == [("/things/f.bin", "bytes=70000-")]


def test_a_part_of_something_else_is_thrown_away(server, tmp_path):
    place = tmp_path / "cache" / "resnet-lab" / "things"
    place.mkdir(parents=True)
    (place / "f.bin.partial").write_bytes(b"x" * 5000)
    assert locate("things", FILE).read_bytes() == CONTENT
    assert [of for _, of in server.requests] == ["bytes=5000-", None]


def test_a_whole_part_that_was_not_renamed_yet(server, tmp_path):
    place = tmp_path / "cache" / "resnet-lab" / "things"
    place.mkdir(parents=True)
    (place / "f.bin.partial").write_bytes(CONTENT)
    assert locate("things", FILE).read_bytes() == CONTENT
    assert [of for _, of in server.requests] == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha256"])
@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT[:-1] + b"x"])
def test_a_truncated_or_changed_file_is_never_used(server, tmp_path, kind, content):
    wanted = hashlib.new(kind, CONTENT).hexdigest()
    server.content = content
    with pytest.raises(
        LabError,
        match=f"f.bin from .* is not what its publisher states: {len(content)} bytes, or a {kind.upper()} "
        f"other than {wanted}; put it into .*things by hand",
    ):
        locate("things", RemoteFile("f.bin", **{kind: wanted}))
    assert left(tmp_path) == set()


def test_the_second_mirror_is_asked_where_the_first_fails(server, monkeypatch):
    monkeypatch.setenv("RESNET_LAB_MIRROR", f"http://127.0.0.1:9/gone, {server.url}/sub/")
    assert locate("things", FILE).read_bytes() == CONTENT
    assert server.requests == [("/sub/things/f.bin", None)]


def test_offline_nothing_is_asked_and_the_message_says_what_to_do(server, monkeypatch, tmp_path):
    monkeypatch.setenv("RESNET_LAB_OFFLINE", "1")
    with pytest.raises(
        LabError,
        match=r"f.bin is not here, and RESNET_LAB_OFFLINE forbids the download: "
        rf"put it into .*/things by hand \(MD5 {FILE.md5}\), "
        "set RESNET_LAB_DATA to the folder that holds things/f.bin",
    ):
        locate("things", FILE)
    assert server.requests == []
    monkeypatch.setenv("RESNET_LAB_OFFLINE", "0")
    locate("things", FILE)
    monkeypatch.setenv("RESNET_LAB_OFFLINE", "1")
    assert locate("things", FILE).read_bytes() == CONTENT


def test_a_disk_that_is_too_small_is_seen_before_and_during(server, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    with monkeypatch.context() as small:
        small.setattr(download.shutil, "disk_usage", lambda path: usage)
        with pytest.raises(LabError, match=r"f.bin cannot be kept in .*things: the disk is full \(0.2 MiB are needed"):
            locate("things", FILE)
    assert left(tmp_path) == set()


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="mounting a small disk needs root on Linux")
def test_a_full_disk(server, tmp_path, monkeypatch):
    """A tmpfs of 100 KiB; the server does not say how long the file is, so the disk fills up while writing."""
    disk = tmp_path / "cache"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        monkeypatch.setattr(download, "_check_room", lambda partial, needed: None)
        with pytest.raises(LabError, match=r"f.bin cannot be kept in .*: the disk is full \(No space left on device\)"):
            fetch("things", FILE)
        assert left(tmp_path) == set()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_folder_that_cannot_be_made(server, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(LabError, match=r"f.bin cannot be kept in .*: Not a directory"):
        fetch("things", FILE)


SCRIPT = """
import sys
from resnet_lab.data.formats.download import RemoteFile, locate
print(len(locate("things", RemoteFile("f.bin", md5=sys.argv[1])).read_bytes()))
"""


def test_two_processes_that_fetch_at_once_ask_once(server, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT, FILE.md5]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) for _ in range(3)]
    assert [run.communicate(timeout=60)[0].strip() for run in runs] == [b"256000"] * 3
    assert server.requests == [("/things/f.bin", None)]
    assert left(tmp_path) == {"f.bin"}


def test_a_copy_by_hand_is_found_and_checked(server, tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_LAB_DATA", str(tmp_path))
    place = Path(tmp_path / "things")
    place.mkdir()
    (place / "f.bin").write_bytes(CONTENT[:-1])
    with pytest.raises(LabError, match=r"things/f.bin: is damaged: its MD5 is not"):
        locate("things", FILE)
    (place / "f.bin").write_bytes(CONTENT)
    assert locate("things", FILE) == place / "f.bin"
    assert server.requests == []


def test_without_a_network_the_message_says_where_to_put_the_file(server, monkeypatch):
    monkeypatch.delenv("RESNET_LAB_MIRROR")
    with pytest.raises(
        LabError, match=r"f.bin cannot be fetched from http://127.0.0.1:9/none.*put it into .*things by hand"
    ):
        locate("things", FILE)
