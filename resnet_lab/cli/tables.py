"""How tables look: on a terminal through rich; as CSV, JSON, Markdown and LaTeX through pandas."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    import pandas as pd

_GAP = 2
"""Blanks between two columns of a table that fits the terminal."""

_FOLDED = 24
"""Text in a cell that is longer than this may be folded over several lines; a number never is."""


_LONG = 500
"""A table with more rows than this is printed without rich, which takes a millisecond for each row."""


def grid(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[str] = ()) -> None:
    """Print a table; the columns named in `right` are flush right."""
    rows = list(rows)
    if len(rows) > _LONG:
        cells = [[head, *(str(row[place]) for row in rows)] for place, head in enumerate(columns)]
        head, *lines = _aligned(cells, [column in right for column in columns], gap=3)
        below_title = [title, ""] if title else [""]
        print("\n".join([*below_title, *(f" {line}".rstrip() for line in (head, "─" * cell_len(head), *lines)), ""]))
        return
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console = Console()
    if not console.is_terminal:  # a pipe or a file has no width that a table must fit
        console = Console(width=console.measure(table, options=console.options.update(width=10_000)).maximum)
    console.print(table)


def _aligned(columns: Sequence[Sequence[str]], right: Sequence[bool], gap: int) -> list[str]:
    """Lines of aligned cells, all of the same width.

    Args:
        columns: the cells of each column.
        right: for each column, whether it is flush right.
        gap: the number of blanks between two columns.
    """
    padded = []
    for cells, is_right in zip(columns, right, strict=True):
        width = max(map(cell_len, cells))
        blanks = [" " * (width - cell_len(cell)) for cell in cells]
        padded.append([blank + cell if is_right else cell + blank for cell, blank in zip(cells, blanks, strict=True)])
    return [(" " * gap).join(row) for row in zip(*padded, strict=True)]


def count(value: int | None) -> str:
    """1814073344 as '1,814,073,344'; None as 'not known'."""
    return "not known" if value is None else f"{value:,}"


def short(value: float | None) -> str:
    """11689512 as '11.69M'; None as 'not known'."""
    if value is None:
        return "not known"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.2f}{letter}"
    return f"{value:g}"


def cell(column: str, value: Any) -> str:
    """A value of a results table, rounded for reading; '' where it is missing."""
    import pandas as pd

    if pd.isna(value):
        return ""
    if isinstance(value, str):
        return value
    if column.rpartition("_")[2] in ("params", "macs"):
        return short(value)
    if isinstance(value, float):
        if any(word in column for word in ("accuracy", "top1", "top5", "loss", "_over_")):
            return f"{value:.4f}"
        return f"{value:.1f}" if abs(value) >= 10 else f"{value:.4g}"
    return str(value)


def rounded(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The table with every value as `cell` writes it, and the names of its numeric columns."""
    import pandas as pd

    texts = {column: [cell(str(column), value) for value in frame[column]] for column in frame.columns}
    numeric = [str(column) for column in frame.columns if pd.api.types.is_numeric_dtype(frame[column])]
    return pd.DataFrame(texts, columns=frame.columns, dtype=object), numeric


def written(frame: pd.DataFrame, format: str) -> str:
    """A results table as text for a file: `csv` and `json` keep every digit, `markdown` and `latex` round."""
    if format == "csv":
        return str(frame.to_csv(index=False)).rstrip("\n")
    if format == "json":
        return str(frame.to_json(orient="records", indent=1, double_precision=15))
    texts, numeric = rounded(frame)
    if format == "markdown":
        texts = texts.apply(lambda column: column.map(_escaped))
        texts.columns = [_escaped(str(column)) for column in texts.columns]
        sides = ["right" if column in numeric else "left" for column in frame.columns]
        return str(texts.to_markdown(index=False, disable_numparse=True, colalign=sides))
    style = texts.style.format(escape="latex").format_index(escape="latex", axis="columns").hide(axis="index")
    sides = ["r" if column in numeric else "l" for column in frame.columns]
    return str(style.to_latex(hrules=True, column_format="".join(sides))).rstrip("\n")


def _escaped(text: str) -> str:
    """A cell of a Markdown table: tabulate leaves | and line ends as they are, and both would end the cell."""
    return text.replace("|", "\\|").replace("\n", " ")


@dataclass(frozen=True)
class Column:
    """A column of a table that has to fit the terminal.

    Attributes:
        name: the name by which `--columns` asks for it.
        head: the short head that is printed.
        cells: a text for each row.
        right: whether it is flush right, as numbers are.
    """

    name: str
    head: str
    cells: tuple[str, ...]
    right: bool = False

    @property
    def folds(self) -> bool:
        """Whether its cells may be folded: long text may, a number may not."""
        return not self.right and max(map(len, self.cells), default=0) > _FOLDED

    @property
    def least(self) -> int:
        """The least width at which no cell is broken, and no word of the head."""
        cells = max(map(len, self.cells), default=0)
        words = (len(word.rstrip()) for word in _words(self.head))
        return max(min(cells, _FOLDED) if self.folds else cells, *words)

    def lines(self, width: int) -> str:
        """The head, its words spread over lines of at most that width."""
        lines = [""]
        for word in _words(self.head):
            if lines[-1] and len((lines[-1] + word).rstrip()) > width:
                lines.append("")
            lines[-1] += word
        return "\n".join(line.rstrip() for line in lines)


def _words(head: str) -> list[str]:
    """The parts between which a head may be broken: after blanks, and in a long name after a point or an underscore."""
    words = []
    for word in re.findall(r"\S+\s*", head):
        words += re.findall(r".[^_.]*[_.]?", word) if len(word) > 11 else [word]
    return words or [""]


def terminal_width() -> int:
    """The width of the terminal in characters; 80 where it is not known."""
    return shutil.get_terminal_size((80, 24)).columns


def total_width(columns: Sequence[Column]) -> int:
    """The least width of a table of these columns."""
    return sum(column.least for column in columns) + _GAP * (len(columns) - 1)


def fitting(columns: Sequence[Column], width: int, dispensable: Sequence[str]) -> list[Column]:
    """The columns that fit a width, in their order.

    Args:
        columns: All columns; the first one is always kept.
        width: The width in characters.
        dispensable: Names of the columns that are left out first, in this order; a name that ends in _ means all
            columns whose names begin so. After them the last column is left out, then the one before it, and so on.
    """
    others = columns[1:]
    order = [
        column
        for mark in dispensable
        for column in others
        if column.name == mark or (mark.endswith("_") and column.name.startswith(mark))
    ]
    order += [column for column in reversed(others) if column not in order]
    kept = list(columns)
    for column in order:
        if total_width(kept) <= width:
            break
        kept.remove(column)
    return kept


def blocks(columns: Sequence[Column], width: int) -> list[list[Column]]:
    """All columns, in as many tables below each other as the width needs; each begins with the first column."""
    if not columns:
        return []
    first, *others = columns
    parts: list[list[Column]] = [[first]]
    for column in others:
        if len(parts[-1]) > 1 and total_width([*parts[-1], column]) > width:
            parts.append([first])
        parts[-1].append(column)
    return parts


def print_columns(columns: Sequence[Column], width: int) -> None:
    """Print a table whose numbers are never broken; long text is folded into the width that is left.

    In a very long table (`_LONG`), no text is folded.
    """
    if len(columns[0].cells if columns else ()) > _LONG:
        heads = [column.lines(column.least).split("\n") for column in columns]
        height = max(map(len, heads))
        cells = [
            [*[""] * (height - len(head)), *head, *column.cells] for head, column in zip(heads, columns, strict=True)
        ]
        lines = _aligned(cells, [column.right for column in columns], _GAP)
        print("\n".join(line.rstrip() for line in lines))
        return
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for column in columns:
        head = Text(column.lines(column.least))
        table.add_column(
            head,
            justify="right" if column.right else "left",
            no_wrap=not column.folds,
            overflow="fold",
            min_width=column.least,
        )
    for index in range(len(columns[0].cells) if columns else 0):
        table.add_row(*(Text(column.cells[index]) for column in columns))
    Console(width=max(width, total_width(columns))).print(table)
