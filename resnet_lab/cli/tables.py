"""How tables look: on a terminal through rich, in files as CSV, JSON, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    import pandas as pd


def grid(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[str] = ()) -> None:
    """Print a table; columns named in `right` are flush right."""
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console = Console()
    if not console.is_terminal:  # a pipe or a file has no width that a table must fit
        console = Console(width=console.measure(table, options=console.options.update(width=10_000)).maximum)
    console.print(table)


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
    """A value as a person reads it; nothing where it is missing."""
    import pandas as pd

    if pd.isna(value):
        return ""
    if column in ("params", "macs"):
        return short(value)
    if isinstance(value, float):
        if "accuracy" in column or "top5" in column or "loss" in column or "_over_" in column:
            return f"{value:.4f}"
        return f"{value:.1f}" if abs(value) >= 10 else f"{value:.4g}"
    return str(value)


def table(frame: pd.DataFrame, format: str = "table") -> None:
    """Print a results table; csv and json keep every digit, the others round."""
    if format == "csv":
        print(frame.to_csv(index=False), end="")
    elif format == "json":
        print(frame.to_json(orient="records", indent=1, double_precision=15))
    else:
        import pandas as pd

        columns = list(frame.columns)
        rows = [
            [cell(column, value) for column, value in zip(columns, row, strict=True)]
            for row in frame.itertuples(index=False)
        ]
        right = [column for column in columns if pd.api.types.is_numeric_dtype(frame[column])]
        if format == "table":
            grid("", columns, rows, right)
        else:
            print(_markdown(columns, rows, right) if format == "markdown" else _latex(columns, rows, right))


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str]) -> str:
    rule = ["---:" if column in right else "---" for column in columns]
    escaped = [[text.replace("|", "\\|").replace("\n", " ") for text in row] for row in rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in [list(columns), rule, *escaped])


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def _latex(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str]) -> str:
    """A booktabs tabular."""

    def line(cells: Sequence[str]) -> str:
        return " & ".join("".join(_LATEX.get(letter, letter) for letter in text) for text in cells) + r" \\"

    marks = "".join("r" if column in right else "l" for column in columns)
    body = [line(row) for row in rows]
    return "\n".join(
        [
            rf"\begin{{tabular}}{{{marks}}}",
            r"\toprule",
            line(columns),
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )
