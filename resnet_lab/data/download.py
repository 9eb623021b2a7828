"""Finding a dataset's file: in $RESNET_LAB_DATA, in the user's cache, or by download; checked before use."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from ..errors import LabError

_CHUNK = 1 << 20


@dataclass(frozen=True)
class RemoteFile:
    """A file as its publisher states it; `md5` in hex, `size` in bytes."""

    name: str
    url: str
    md5: str
    size: int


def cache_folder() -> Path:
    """Where downloads are kept: $XDG_CACHE_HOME/resnet-lab, else ~/.cache/resnet-lab."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "resnet-lab"


def locate(folder: str, file: RemoteFile) -> Path:
    """A whole, checked copy of the file, downloaded if there is none.

    A mirror that $RESNET_LAB_MIRROR names is asked for `FOLDER/NAME` instead of the source.

    Raises:
        LabError: a copy at hand is damaged, or none can be had; says where to put one by hand.
    """
    given = os.environ.get("RESNET_LAB_DATA")
    places = ([Path(given) / folder] if given else []) + [cache_folder() / folder]
    for place in places:
        path = place / file.name
        if path.is_file():
            if _md5(path) != file.md5:
                raise LabError(f"is damaged: its MD5 is not {file.md5}; remove it, and it is fetched anew", file=path)
            return path
    return _download(file, folder, places[-1] / file.name)


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _download(file: RemoteFile, folder: str, target: Path) -> Path:
    from filelock import FileLock
    from rich.progress import Progress

    mirror = os.environ.get("RESNET_LAB_MIRROR")
    url = f"{mirror.rstrip('/')}/{folder}/{file.name}" if mirror else file.url
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    with FileLock(str(target) + ".lock"):
        if target.is_file():  # another process had the lock, and fetched it
            return target
        try:
            with (
                urllib.request.urlopen(url, timeout=30) as answer,
                partial.open("wb") as stream,
                Progress() as progress,
            ):
                task = progress.add_task(file.name, total=file.size)
                while chunk := answer.read(_CHUNK):
                    stream.write(chunk)
                    progress.advance(task, len(chunk))
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise LabError(
                f"{file.name} cannot be fetched from {url}: {error}; put it into {target.parent} by hand "
                f"(MD5 {file.md5}), name its folder's parent in RESNET_LAB_DATA, or a mirror in "
                "RESNET_LAB_MIRROR"
            ) from None
        if _md5(partial) != file.md5:
            size = partial.stat().st_size
            partial.unlink()
            raise LabError(
                f"{file.name} from {url} is not what its publisher states: {size} of {file.size} bytes, "
                f"or an MD5 other than {file.md5}"
            )
        partial.replace(target)
    return target
