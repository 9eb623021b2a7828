"""Files of datasets: looked for in $RESNET_LAB_DATA and in the user's cache, else downloaded; checked before use."""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...base.errors import LabError
from ...base.files import put_in_place
from .progress import progress_bar

_CHUNK = 1 << 20
_TIMEOUT = 30.0
_TRIES = 5
"""Times that a connection may break without a byte more before a download is given up."""


@dataclass(frozen=True)
class RemoteFile:
    """A file as its publisher states it.

    Args:
        url: its address; '' where nobody offers it for download.
        md5, sha1, sha256: hashes in hex; at least one is stated.
        size: in bytes; None where it is not stated.
        instead: another file with the same data in another form, which is used where only that one is at hand.
    """

    name: str
    url: str = ""
    md5: str = ""
    size: int | None = None
    sha1: str = ""
    sha256: str = ""
    instead: RemoteFile | None = None

    @property
    def hash(self) -> tuple[str, str]:
        """The algorithm and the hex digits of the strongest hash that is stated."""
        for kind in ("sha256", "sha1", "md5"):
            if getattr(self, kind):
                return kind, getattr(self, kind)
        raise ValueError(f"{self.name} has no hash by which it could be checked")


def cache_folder() -> Path:
    """Where downloads are kept: $XDG_CACHE_HOME/resnet-lab, else ~/.cache/resnet-lab."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "resnet-lab"


def folders() -> list[Path]:
    """Where data is looked for, in order: $RESNET_LAB_DATA, if it is set, and the cache."""
    given = os.environ.get("RESNET_LAB_DATA")
    return ([Path(given)] if given else []) + [cache_folder()]


def present(folder: str, file: RemoteFile) -> Path | None:
    """The copy of a file that is at hand, unchecked; None where there is none."""
    return next((path for place in folders() if (path := place / folder / file.name).is_file()), None)


def chosen(folder: str, file: RemoteFile) -> RemoteFile:
    """The file itself, or the one that may be used instead where only that one is at hand."""
    if file.instead is not None and present(folder, file) is None and present(folder, file.instead) is not None:
        return file.instead
    return file


def offline() -> bool:
    """Whether RESNET_LAB_OFFLINE forbids downloads."""
    return os.environ.get("RESNET_LAB_OFFLINE", "0") not in ("", "0")


def forbidden(name: str, by_hand: str) -> LabError:
    """The error for a file that is missing while downloads are forbidden; `by_hand` says how to get it."""
    return LabError(f"{name} is not here, and RESNET_LAB_OFFLINE forbids the download: {by_hand}")


def locate(folder: str, file: RemoteFile) -> Path:
    """A checked copy of the file; it is downloaded where no copy is at hand.

    Where $RESNET_LAB_MIRROR names mirrors, separated by commas, they are asked for `FOLDER/NAME` in the place of the
    source. With RESNET_LAB_OFFLINE=1 nothing is downloaded.

    Args:
        folder: the folder of the file below each of `folders()`.

    Raises:
        LabError: the copy at hand is damaged, or the file cannot be downloaded; the message says where to put it.
    """
    path = present(folder, file)
    if path is not None:
        check(path, file)
        return path
    return fetch(folder, file)


def check(path: Path, file: RemoteFile) -> None:
    """Raises LabError: the file at `path` is not what its publisher states."""
    kind, wanted = file.hash
    if digest(path, kind) != wanted:
        raise LabError(
            f"is damaged: its {kind.upper()} is not {wanted}; remove it, and it is downloaded again", file=path
        )


def digest(path: Path, kind: str) -> str:
    """The hash of a file in hex. Raises LabError: the file cannot be read."""
    summed = hashlib.new(kind, usedforsecurity=False)
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                summed.update(chunk)
    except OSError as error:
        raise LabError(f"cannot be read: {error.strerror}", file=path) from None
    return summed.hexdigest()


def fetch(folder: str, file: RemoteFile) -> Path:
    """Download into the cache; another process that wants the same file waits for this one.

    The part that a broken connection left is kept as `NAME.partial`; the next try asks for the missing bytes only.

    Raises:
        LabError: the file cannot be downloaded, or is not what its publisher states.
    """
    from filelock import FileLock

    target = cache_folder() / folder / file.name
    urls = [f"{mirror.strip().rstrip('/')}/{folder}/{file.name}" for mirror in _mirrors()] or [file.url]
    kind, wanted = file.hash
    by_hand = (
        f"put it into {target.parent} by hand ({kind.upper()} {wanted}), name its folder's parent in "
        "RESNET_LAB_DATA, or a mirror in RESNET_LAB_MIRROR"
    )
    if offline():
        raise forbidden(file.name, by_hand)
    if not urls[0]:
        raise LabError(f"{file.name} is not here, and nobody offers it for download: {by_hand}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{target}.lock")
        with lock:
            if not target.is_file():  # else another process had the lock, and fetched it
                _from_any(urls, file, target, by_hand)
    except OSError as error:
        raise _disk(error, target) from None
    return target


def _mirrors() -> list[str]:
    return [mirror for mirror in os.environ.get("RESNET_LAB_MIRROR", "").split(",") if mirror.strip()]


def _from_any(urls: list[str], file: RemoteFile, target: Path, by_hand: str) -> None:
    faults = []
    for url in urls:
        partial = target.with_name(target.name + ".partial")
        resumed = partial.exists()
        try:
            try:
                _download(url, file, partial)
            except _Changed:
                if not resumed:
                    raise
                _download(url, file, partial)  # the part that was there belonged to another file
        except _Unreachable as error:
            faults.append(f"{file.name} cannot be fetched from {url}: {error}")
        except _Changed as error:
            faults.append(f"{file.name} from {url} is not what its publisher states: {error}")
        else:
            put_in_place(partial, target)
            return
    raise LabError(f"{'; '.join(faults)}; {by_hand}")


class _Unreachable(Exception):
    """The server gives no answer, or none that can be used."""


class _Changed(Exception):
    """The file has arrived, but it is not the one that its publisher states."""


def _download(url: str, file: RemoteFile, partial: Path) -> None:
    """Download the missing bytes of `partial`, with new tries as long as more bytes arrive; then check the file."""
    with progress_bar(file.name, file.size) as told:
        idle = 0
        while True:
            before = partial.stat().st_size if partial.exists() else 0
            try:
                total = _rest(url, partial, before, file.size, told)
            except urllib.error.HTTPError as error:
                if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    break  # there is no more than what we have
                if error.code < 500:
                    raise _Unreachable(error) from None
                fault: object = error
            except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
                fault = getattr(error, "reason", error)
            except ValueError as error:  # no URL at all
                raise _Unreachable(error) from None
            else:
                if total is None or partial.stat().st_size >= total:
                    break
                fault = f"the connection ended after {partial.stat().st_size} of {total} bytes"
            idle = 0 if partial.exists() and partial.stat().st_size > before else idle + 1
            answered = partial.exists() or isinstance(fault, urllib.error.HTTPError)
            if idle >= _TRIES or not answered:
                raise _Unreachable(fault)
            time.sleep(min(0.1 * 2**idle, 5.0))
    _verify(file, partial)


def _rest(url: str, partial: Path, have: int, size: int | None, told: Callable[[int, int | None], None]) -> int | None:
    """Append the missing bytes to `partial`; returns the size of the whole file where the server states it."""
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
        resumed = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        done = have if resumed else 0
        length = answer.headers.get("Content-Length")
        total = done + int(length) if length is not None and length.isdigit() else None
        _make_room(partial, (total or size or 0) - done)
        with partial.open("ab" if resumed else "wb") as stream:
            while chunk := answer.read(_CHUNK):
                stream.write(chunk)
                done += len(chunk)
                told(done, total)
    return total


def _make_room(partial: Path, needed: int) -> None:
    free = shutil.disk_usage(partial.parent).free
    if needed > free:
        raise OSError(errno.ENOSPC, f"{needed / 2**20:.1f} MiB are needed, and {free / 2**20:.1f} MiB are free")


def _disk(error: OSError, target: Path) -> LabError:
    """The message for an error of the disk; a part of a file is removed where the disk is full."""
    if error.errno == errno.ENOSPC:
        target.with_name(target.name + ".partial").unlink(missing_ok=True)
        return LabError(f"{target.name} cannot be kept in {target.parent}: the disk is full ({error.strerror})")
    return LabError(f"{target.name} cannot be kept in {target.parent}: {error.strerror or error}")


def _verify(file: RemoteFile, partial: Path) -> None:
    """Check a downloaded file. Raises _Changed: it is another file, which is removed."""
    kind, wanted = file.hash
    if digest(partial, kind) != wanted:
        size = partial.stat().st_size
        partial.unlink()
        stated = f"of {file.size} bytes" if file.size is not None else "bytes"
        raise _Changed(f"{size} {stated}, or a {kind.upper()} other than {wanted}")
