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
    """A file as its publisher states it: a hash in hex; `size` in bytes; no `url` where nobody offers it."""

    name: str
    url: str = ""
    md5: str = ""
    size: int | None = None
    sha256: str = ""

    @property
    def hash(self) -> tuple[str, str]:
        """The algorithm and the digest in hex."""
        return ("sha256", self.sha256) if self.sha256 else ("md5", self.md5)


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
            kind, wanted = file.hash
            if _digest(path, kind) != wanted:
                raise LabError(
                    f"is damaged: its {kind.upper()} is not {wanted}; remove it, and it is fetched anew", file=path
                )
            return path
    return _download(file, folder, places[-1] / file.name)


def _digest(path: Path, kind: str) -> str:
    digest = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _download(file: RemoteFile, folder: str, target: Path) -> Path:
    from filelock import FileLock
    from rich.progress import Progress

    mirror = os.environ.get("RESNET_LAB_MIRROR")
    url = f"{mirror.rstrip('/')}/{folder}/{file.name}" if mirror else file.url
    kind, wanted = file.hash
    by_hand = (
        f"put it into {target.parent} by hand ({kind.upper()} {wanted}), name its folder's parent in "
        "RESNET_LAB_DATA, or a mirror in RESNET_LAB_MIRROR"
    )
    if not url:
        raise LabError(f"{file.name} is not here, and nobody offers it for download: {by_hand}")
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
            raise LabError(f"{file.name} cannot be fetched from {url}: {error}; {by_hand}") from None
        if _digest(partial, kind) != wanted:
            size = partial.stat().st_size
            partial.unlink()
            raise LabError(
                f"{file.name} from {url} is not what its publisher states: {size} of {file.size} bytes, "
                f"or a {kind.upper()} other than {wanted}"
            )
        partial.replace(target)
    return target
