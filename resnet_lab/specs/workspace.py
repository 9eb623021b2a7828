"""Files that are known by a name: those in the folders of the working directory, then those of the package."""

from __future__ import annotations

from pathlib import Path

from ..base.errors import LabError, unknown

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(folder: str, in_checkout: str | None = None) -> Path:
    """Return a folder that ships with the package.

    Args:
        folder: `variants`, `experiments` or `reference`, as an installed package has it.
        in_checkout: the folder's path in a checkout, where it differs.
    """
    inside = _PACKAGE / folder
    return inside if inside.is_dir() else _PACKAGE.parent / (in_checkout or folder)


def folders(folder: str) -> list[Path]:
    """List the folders in which names are looked up, in order."""
    here = Path.cwd() / folder
    return [here, shipped(folder)] if here.resolve() != shipped(folder) else [here]


def names(folder: str) -> dict[str, Path]:
    """Return every name that `find` knows, with its file."""
    found: dict[str, Path] = {}
    for place in folders(folder):
        for path in sorted(place.glob("*.yaml")):
            found.setdefault(path.stem, path)
    return found


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
        folder: `variants` or `experiments`.
        beside: the folder of the spec that uses the name; it is searched first.
        skip: the spec that uses the name, which cannot mean itself.

    Raises:
        LabError: There is no such file; the message lists the known names and the nearest one.
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
    """Write a path as a person would: relative to the working directory where the file lies below it."""
    try:
        return path.resolve().relative_to(Path.cwd().resolve())
    except ValueError:
        return path
