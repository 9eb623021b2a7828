"""Writes a report: the sections are rendered one after the other into one HTML file that asks for nothing else."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup

from ...base.errors import LabError
from ...base.files import write_text
from ...network.drawing import STYLE
from ..csv_file import TABLE
from .contents import gather
from .sections import SECTIONS

_TEMPLATES = Path(__file__).with_name("templates")


def report(paths: Sequence[Path], output: Path, *, baseline: str | None = None, where: str | None = None) -> None:
    """Write a report on results as one HTML file.

    Args:
        paths: results folders, or `.csv` files of trials.
        output: the file to write.
        baseline: the variant with which the others are compared; that of the experiment if None.
        where: a condition on the trials, such as `params < 30e6`.

    Raises:
        LabError: There are no results, the condition or the baseline is wrong, or the file cannot be written.
    """
    if output.is_dir() or not output.parent.is_dir():
        raise LabError(f"'{output}' names no file in an existing folder")
    contents = gather(paths, baseline, where)
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = []
    for name in SECTIONS:
        section = importlib.import_module(f".sections.{name}", __package__)
        values = section.context(contents)
        if values is not None:
            body = templates.get_template(f"{name}.html").render(values)
            sections.append((name, section.TITLE, Markup(body)))
    title = ", ".join(dict.fromkeys(_name(path.resolve()) for path in paths))
    values = {"style": _file("style.css") + Markup(STYLE), "script": _file("script.js")}
    page = templates.get_template("page.html").render(title=title, sections=sections, **values)
    write_text(output, page)


def _name(results: Path) -> str:
    """The name of a results folder, or of the folder of its table; a `.csv` file of another name has its own."""
    if results.suffix != ".csv":
        return results.name
    return results.parent.name if results.name == TABLE else results.stem


def _file(name: str) -> Markup:
    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))
