"""`resnet-lab init`: a workspace that runs at once."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Annotated

import typer

from ..base.errors import LabError


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; an empty one may be there.")],
) -> None:
    """Make a workspace that runs at once: a block, a variant and an experiment, and a README that says what to type.

    Example: `resnet-lab init my_idea`
    """
    from ..base.files import write_text
    from ..specs.workspace import shipped

    template = shipped("template")
    _check_empty(folder)
    values = {"name": folder.resolve().name}
    for source in sorted(path for path in template.rglob("*") if path.suffix in (".md", ".py", ".yaml")):
        target = folder / source.relative_to(template)
        _make_folder(target.parent)
        write_text(target, Template(source.read_text(encoding="utf-8")).substitute(values))
        print(target)
    print(f"\n{folder / 'README.md'} says more. Type this to begin:\n")
    print(f"    cd {folder}\n    resnet-lab run experiments/first.yaml")


def _check_empty(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise LabError(f"'{folder}' is a file; name a folder that is new or empty")
    if folder.is_dir() and any(folder.iterdir()):
        raise LabError(f"the folder '{folder}' is not empty; name one that is new or empty")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(f"the folder '{folder}' cannot be made: {error.strerror or error}") from None
