"""Archives of pictures: unpacked once, into the cache. No member of an archive is written outside its folder."""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from ...base.errors import LabError
from .digests import file_digests
from .download import cache_folder

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def is_archive(path: Path) -> bool:
    """Whether a path is an archive, by the ending of its name."""
    return path.is_file() and path.name.lower().endswith(ENDINGS)


def unpacked(path: Path) -> Path:
    """Unpack an archive into the cache, unless an archive with the same content was unpacked before.

    Returns:
        The folder with the members of the archive.

    Raises:
        LabError: the archive is damaged, or a member would be written outside the folder; then nothing is kept.
    """
    from filelock import FileLock

    target = cache_folder() / "unpacked" / f"{path.name.split('.')[0]}-{file_digests([path])[0][:12]}"
    partial = target.with_name(target.name + ".partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"):
            if not target.is_dir():
                shutil.rmtree(partial, ignore_errors=True)
                try:
                    unpack(path, partial)
                except BaseException:
                    shutil.rmtree(partial, ignore_errors=True)
                    raise
                partial.rename(target)
    except OSError as error:
        raise LabError(f"cannot be unpacked into {target.parent}: {error.strerror or error}", file=path) from None
    return target


def unpack(path: Path, folder: Path) -> None:
    """Write the folders and plain files of an archive into a new folder; archives with links or devices are refused.

    The module tarfile has a filter for this purpose, but not in every Python version that we support.

    Raises:
        LabError: the archive is damaged, or a member is a link or device, or would be written outside the folder.
        OSError: the disk is full, or the folder cannot be written.
    """
    folder.mkdir(parents=True)
    try:
        if path.name.lower().endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                for entry in archive.infolist():
                    target = _inside(folder, entry.filename, path)
                    if stat.S_ISLNK(entry.external_attr >> 16):
                        raise LabError(f"holds the link '{entry.filename}', which is refused", file=path)
                    if entry.is_dir():
                        target.mkdir(parents=True, exist_ok=True)
                    else:
                        with archive.open(entry) as source:
                            _write(source, target)
        else:
            with tarfile.open(path) as tar:
                for member in tar:
                    target = _inside(folder, member.name, path)
                    stream = tar.extractfile(member) if member.isfile() else None
                    if stream is not None:
                        _write(stream, target)
                    elif member.isdir():
                        target.mkdir(parents=True, exist_ok=True)
                    else:
                        raise LabError(f"holds '{member.name}', no plain file, which is refused", file=path)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, RuntimeError, zlib.error) as error:
        raise LabError(f"is damaged: {error}", file=path) from None


def _inside(folder: Path, name: str, archive: Path) -> Path:
    """Return the path of a member below the folder. Raises LabError: the path would lie outside the folder."""
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in name:
        raise LabError(f"holds '{name}', which would leave its folder; the archive is refused", file=archive)
    return folder / parts


def _write(source: IO[bytes], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as stream:
        shutil.copyfileobj(source, stream)
