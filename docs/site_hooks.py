"""What mkdocs does beside its own work: the site takes in the files outside docs/ that the pages link to."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
_LINK = re.compile(r"(\]\()([^)\s#:]+)((?:#[^)\s]*)?\))")


def _target(page: str, link: str) -> str | None:
    """The path from the root of the repository that a link of a page leads to, if it leads out of docs/."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), link))
    return path if not path.startswith(("docs/", "..")) and (ROOT / path).is_file() else None


def _place(path: str) -> str:
    """Where a file of the repository lies in the site: files of docs/ at the top, all others below repository/."""
    return path.removeprefix("docs/") if path.startswith("docs/") else f"repository/{path}"


def _source(place: str) -> str:
    """The file of the repository that lies at a place of the site."""
    return place.removeprefix("repository/") if place.startswith("repository/") else f"docs/{place}"


def on_files(files: Any, *, config: Any) -> Any:
    """Add the files outside docs/ that pages link to, and those that these pages link to."""
    waiting = [_source(file.src_uri) for file in files.documentation_pages()]
    while waiting:
        page = waiting.pop()
        for _, link, _ in _LINK.findall((ROOT / page).read_text(encoding="utf-8")):
            target = _target(page, link)
            if target and files.get_file_from_path(_place(target)) is None:
                files.append(File.generated(config, _place(target), abs_src_path=str(ROOT / target)))
                waiting += [target] * target.endswith(".md")
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """Let the links lead to where the files lie in the site."""
    own = page.file.src_uri

    def moved(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(_source(own)), found[2]))
        if path.startswith("..") or not (ROOT / path).is_file():
            return found[0]
        return found[1] + posixpath.relpath(_place(path), posixpath.dirname(own) or ".") + found[3]

    return _LINK.sub(moved, markdown)
