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
"""How often a connection may break without another byte before the download is given up."""


@dataclass(frozen=True)
class RemoteFile:
    """A file as its publisher states it.

    Args:
        url: its address; '' if nobody offers it for download.
        md5, sha1, sha256: hashes in hex; at least one is stated.
        size: in bytes; None if it is not stated.
        instead: another file with the same data in another form, used if it is on this machine and this file is not.
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
    """Return the path of a file in one of `folders()`, without checking the file; None if it is in none of them."""
    return next((path for place in folders() if (path := place / folder / file.name).is_file()), None)


def chosen(folder: str, file: RemoteFile) -> RemoteFile:
    """Return the file, or its `instead` if only that file is on this machine."""
    if file.instead is not None and present(folder, file) is None and present(folder, file.instead) is not None:
        return file.instead
    return file


def offline() -> bool:
    """Whether RESNET_LAB_OFFLINE forbids downloads."""
    return os.environ.get("RESNET_LAB_OFFLINE", "0") not in ("", "0")


def forbidden(name: str, by_hand: str) -> LabError:
    """Make the error for a file that is missing while downloads are forbidden; `by_hand` says how to get the file."""
    return LabError(f"{name} is not here, and RESNET_LAB_OFFLINE forbids the download: {by_hand}")


def locate(folder: str, file: RemoteFile) -> Path:
    """Return the path of a checked copy of a file; the file is downloaded if no copy is on this machine.

    If $RESNET_LAB_MIRROR names mirrors, separated by commas, `FOLDER/NAME` is downloaded from them instead of from the
    source. With RESNET_LAB_OFFLINE=1 nothing is downloaded.

    Args:
        folder: the folder of the file below each of `folders()`.

    Raises:
        LabError: the copy on this machine is damaged, or the file cannot be downloaded; the message says where to put
            it.
    """
    path = present(folder, file)
    if path is not None:
        check(path, file)
        return path
    return fetch(folder, file)


def check(path: Path, file: RemoteFile) -> None:
    """Check a file against its publisher's hash. Raises LabError: the hashes differ."""
    kind, wanted = file.hash
    if digest(path, kind) != wanted:
        raise LabError(
            f"is damaged: its {kind.upper()} is not {wanted}; remove it, and it is downloaded again", file=path
        )


def digest(path: Path, kind: str) -> str:
    """Compute the hash of a file in hex. Raises LabError: the file cannot be read."""
    summed = hashlib.new(kind, usedforsecurity=False)
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                summed.update(chunk)
    except OSError as error:
        raise LabError(f"cannot be read: {error.strerror}", file=path) from None
    return summed.hexdigest()


def fetch(folder: str, file: RemoteFile) -> Path:
    """Download a file into the cache; another process that wants the same file waits until this process is done.

    After a broken connection, the bytes that have arrived are kept as `NAME.partial`; the next try asks only for the
    rest.

    Raises:
        LabError: the file cannot be downloaded, or is not what its publisher states.
    """
    from filelock import FileLock

    target = cache_folder() / folder / file.name
    urls = [f"{mirror.strip().rstrip('/')}/{folder}/{file.name}" for mirror in _mirrors()] or [file.url]
    kind, wanted = file.hash
    by_hand = (
        f"put it into {target.parent} by hand ({kind.upper()} {wanted}), set RESNET_LAB_DATA to the folder that holds "
        f"{folder}/{file.name}, or set RESNET_LAB_MIRROR to the address of a mirror"
    )
    if offline():
        raise forbidden(file.name, by_hand)
    if not urls[0]:
        raise LabError(f"{file.name} is not here, and nobody offers it for download: {by_hand}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{target}.lock")
        with lock:
            if not target.is_file():  # if it is there, another process held the lock and downloaded it
                _download_from_any(urls, file, target, by_hand)
    except OSError as error:
        raise _disk_error(error, target) from None
    return target


def _mirrors() -> list[str]:
    return [mirror for mirror in os.environ.get("RESNET_LAB_MIRROR", "").split(",") if mirror.strip()]


def _download_from_any(urls: list[str], file: RemoteFile, target: Path, by_hand: str) -> None:
    faults = []
    for url in urls:
        partial = target.with_name(target.name + ".partial")
        resumed = partial.exists()
        try:
            try:
                _download(url, file, partial)
            except _WrongContent:
                if not resumed:
                    raise
                _download(url, file, partial)  # the bytes of the earlier try belonged to another file
        except _Unreachable as error:
            faults.append(f"{file.name} cannot be fetched from {url}: {error}")
        except _WrongContent as error:
            faults.append(f"{file.name} from {url} is not what its publisher states: {error}")
        else:
            put_in_place(partial, target)
            return
    raise LabError(f"{'; '.join(faults)}; {by_hand}")


class _Unreachable(Exception):
    """The server does not answer, or its answer cannot be used."""


class _WrongContent(Exception):
    """The file has arrived, but it is not the one that its publisher states."""


def _download(url: str, file: RemoteFile, partial: Path) -> None:
    """Download the missing bytes of `partial`, with new tries as long as more bytes arrive; then check the file."""
    with progress_bar(file.name, file.size) as update:
        idle = 0
        while True:
            before = partial.stat().st_size if partial.exists() else 0
            try:
                total = _append_missing(url, partial, before, file.size, update)
            except urllib.error.HTTPError as error:
                if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    break  # the file has no more bytes than have arrived already
                if error.code < 500:
                    raise _Unreachable(error) from None
                fault: object = error
            except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
                fault = getattr(error, "reason", error)
            except ValueError as error:  # the address is not a URL
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


def _append_missing(
    url: str, partial: Path, have: int, size: int | None, update: Callable[[int, int | None], None]
) -> int | None:
    """Append the missing bytes to `partial`; returns the size of the whole file where the server states it."""
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
        resumed = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        done = have if resumed else 0
        length = answer.headers.get("Content-Length")
        total = done + int(length) if length is not None and length.isdigit() else None
        _check_room(partial, (total or size or 0) - done)
        with partial.open("ab" if resumed else "wb") as stream:
            while chunk := answer.read(_CHUNK):
                stream.write(chunk)
                done += len(chunk)
                update(done, total)
    return total


def _check_room(partial: Path, needed: int) -> None:
    """Raises OSError: the disk has fewer free bytes than are needed."""
    free = shutil.disk_usage(partial.parent).free
    if needed > free:
        raise OSError(errno.ENOSPC, f"{needed / 2**20:.1f} MiB are needed, and {free / 2**20:.1f} MiB are free")


def _disk_error(error: OSError, target: Path) -> LabError:
    """Make the message for an error of the disk; if the disk is full, the partial file is removed."""
    if error.errno == errno.ENOSPC:
        target.with_name(target.name + ".partial").unlink(missing_ok=True)
        return LabError(f"{target.name} cannot be kept in {target.parent}: the disk is full ({error.strerror})")
    return LabError(f"{target.name} cannot be kept in {target.parent}: {error.strerror or error}")


def _verify(file: RemoteFile, partial: Path) -> None:
    """Check a downloaded file. Raises _WrongContent: its hash differs; the file is removed."""
    kind, wanted = file.hash
    if digest(partial, kind) != wanted:
        size = partial.stat().st_size
        partial.unlink()
        stated = f"of {file.size} bytes" if file.size is not None else "bytes"
        raise _WrongContent(f"{size} {stated}, or a {kind.upper()} other than {wanted}")
