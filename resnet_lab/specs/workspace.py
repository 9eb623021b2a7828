"""Where named files are: the working directory's folders first, then those that ship with the package."""

from __future__ import annotations

from pathlib import Path

from ..base.errors import LabError, unknown

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(folder: str, in_checkout: str | None = None) -> Path:
    """`variants`, `experiments` or `reference` as the package carries it: inside a wheel, beside it in a checkout."""
    inside = _PACKAGE / folder
    return inside if inside.is_dir() else _PACKAGE.parent / (in_checkout or folder)


def folders(folder: str) -> list[Path]:
    """Where a name is looked for, in order."""
    here = Path.cwd() / folder
    return [here, shipped(folder)] if here.resolve() != shipped(folder) else [here]


def names(folder: str) -> dict[str, Path]:
    """Every name that `find` knows, with its file."""
    found: dict[str, Path] = {}
    for place in folders(folder):
        for path in sorted(place.glob("*.yaml")):
            found.setdefault(path.stem, path)
    return found


def is_path(name: str) -> bool:
    """Whether a word is a path, not a name."""
    return name.endswith((".yaml", ".yml")) or "/" in name or "\\" in name


def find(name: str, folder: str, *, beside: Path | None = None, skip: Path | None = None) -> Path:
    """The file that a name or a path means.

    Args:
        name: `resnet50`, or a path: what ends in .yaml or .yml, or holds a slash.
        folder: `variants` or `experiments`.
        beside: the folder of the file that names it, looked through first.
        skip: a file that is not meant: the one that names it.

    Raises:
        LabError: there is none; the message lists the names that are there and the nearest.
    """
    if is_path(name):
        for place in ([beside] if beside else []) + [Path.cwd()]:
            if (place / name).is_file():
                return _short(place / name)
        raise LabError(f"there is no file '{name}'" + (f" beside {beside} or" if beside else "") + f" in {Path.cwd()}")
    places = ([beside] if beside else []) + folders(folder)
    for place in places:
        path = place / f"{name}.yaml"
        if path.is_file() and not (skip and path.resolve() == skip.resolve()):
            return _short(path)
    if skip and skip.stem == name:
        raise LabError(f"'{name}' extends itself")
    others = {path.stem for place in places for path in place.glob("*.yaml")}
    raise LabError(unknown(folder.removesuffix("s"), name, others))


def _short(path: Path) -> Path:
    """The path as a person would write it: relative where it lies below the working directory."""
    try:
        return path.resolve().relative_to(Path.cwd().resolve())
    except ValueError:
        return path
