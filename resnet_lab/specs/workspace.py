"""Files that are known by a name: in the working directory and its folders, then those of the package."""

from __future__ import annotations

from pathlib import Path

from ..base.errors import LabError, unknown
from .yamlfile import Document, read

_PACKAGE = Path(__file__).resolve().parents[1]

_KINDS = {
    "variants": "a stage spec, which 'resnet-lab describe' shows and an experiment lists in 'variants'",
    "experiments": "an experiment, which 'resnet-lab run' runs",
}

_EXPECTED = {"variants": "a stage spec", "experiments": "an experiment"}


def shipped(folder: str, in_checkout: str | None = None) -> Path:
    """Return a folder that ships with the package.

    Args:
        folder: `variants`, `experiments`, `template` or `reference`, as an installed package has it.
        in_checkout: the folder's path in a checkout, where it differs.
    """
    inside = _PACKAGE / folder
    return inside if inside.is_dir() else _PACKAGE.parent / (in_checkout or folder)


def folders(folder: str) -> list[Path]:
    """List the folders in which names are looked up, in order.

    Args:
        folder: `variants` or `experiments`. The working directory itself comes after its folder of this name, so that
            the files of a small idea can lie side by side.
    """
    here = Path.cwd()
    return list(dict.fromkeys([here / folder, here, shipped(folder)]))


def names(folder: str) -> dict[str, Path]:
    """Return every name that `find` knows, with its file."""
    return _names(folders(folder), folder)


def _names(places: list[Path], folder: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for place in places:
        for path in sorted(place.glob("*.yaml")):
            if place.name == folder or _kind(path) == folder:
                found.setdefault(path.stem, path)
    return found


def _kind(path: Path) -> str:
    """Which kind of spec a file is: `variants`, `experiments`, or '' for another file or one that cannot be read."""
    try:
        return _kind_of(read(path))
    except LabError:
        return ""


def _kind_of(document: Document) -> str:
    keys = document.value.keys()
    return "experiments" if "variants" in keys else "variants" if keys & {"stages", "extends"} else ""


def is_path(name: str) -> bool:
    """Whether a word is a path and not a name."""
    return name.endswith((".yaml", ".yml")) or "/" in name or "\\" in name


def title(name: str) -> str:
    """Return the name of a file's content, for a name or a path: the name of the file without .yaml or .yml."""
    return Path(name).stem if name.endswith((".yaml", ".yml")) else Path(name).name


def find(name: str, folder: str, *, beside: Path | None = None, skip: Path | None = None) -> Path:
    """Find a file by its name or path.

    Args:
        name: a name such as `resnet50`, or a path: a word that ends in .yaml or .yml, or contains a slash.
        folder: `variants` or `experiments`. Where files of both kinds may lie side by side, a file of the other kind
            does not have the name.
        beside: the folder of the file that uses the name; it is searched first.
        skip: the spec that uses the name, which cannot mean itself.

    Raises:
        LabError: There is no such file; the message lists the known names and the nearest one.
    """
    if name.endswith(".py"):
        raise LabError(
            f"'{name}' is Python code, and a file of {folder} is YAML; 'resnet-lab try' takes a block's file"
        )
    if is_path(name):
        for place in ([beside] if beside else []) + [Path.cwd()]:
            if (place / name).is_file():
                return _short(place / name)
        raise LabError(f"there is no file '{name}'" + (f" beside {beside} or" if beside else "") + f" in {Path.cwd()}")
    places = ([beside] if beside else []) + folders(folder)
    for place in places:
        path = place / f"{name}.yaml"
        if not path.is_file() or (skip and path.resolve() == skip.resolve()):
            continue
        if place.name == folder or _kind(path) in (folder, ""):  # a file that cannot be read gets its own message
            return _short(path)
    if skip and skip.stem == name:
        raise LabError(f"'{name}' extends itself")
    message = unknown(folder.removesuffix("s"), name, _names(places, folder))
    if name in names(other := _other(folder)):
        message += f"; '{name}' is the name of {_KINDS[other]}"
    raise LabError(message)


def check_kind(document: Document, folder: str) -> None:
    """Check that a file which was given by its path is no spec of the other kind.

    Args:
        document: what the file holds.
        folder: the kind that is expected, `variants` or `experiments`.

    Raises:
        LabError: It has the keys of the other kind alone.
    """
    if _kind_of(document) == (other := _other(folder)):
        raise LabError(
            f"this file is {_KINDS[other]}; {_EXPECTED[folder]} is expected here", file=document.file, line=1
        )


def _other(folder: str) -> str:
    return "variants" if folder == "experiments" else "experiments"


def _short(path: Path) -> Path:
    """Write a path as a person would: relative to the working directory where the file lies below it."""
    try:
        return path.resolve().relative_to(Path.cwd().resolve())
    except ValueError:
        return path
