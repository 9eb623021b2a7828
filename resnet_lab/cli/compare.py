"""`resnet-lab compare`: trials side by side in a table."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer


class Format(str, Enum):
    """How a table is written."""

    table = "table"
    csv = "csv"
    markdown = "markdown"
    latex = "latex"
    json = "json"


def command(
    results: Annotated[list[Path], typer.Argument(help="Results folders, or .csv files of trials.")],
    by: Annotated[str | None, typer.Option(help="One row for each value of this column: mean and deviation.")] = None,
    sort: Annotated[str | None, typer.Option(help="A column; -COLUMN sorts downwards.")] = None,
    columns: Annotated[str | None, typer.Option(help="Which columns to show, with commas; 'all' shows all.")] = None,
    against: Annotated[
        str | None, typer.Option(help="A variant of the table, or a table of published figures.")
    ] = None,
    format: Annotated[Format, typer.Option(help="How the table is written.")] = Format.table,
) -> None:
    """Compare trials in a table.

    Example: `resnet-lab compare results/depth_sweep --sort=-test_accuracy --format markdown`

    Example: `resnet-lab compare results/depth_sweep --against resnet18`
    """
    import pandas as pd

    from ..results.compare import compare as compared
    from ..results.store import read as read_table
    from .tables import table as show_table

    read: list[Any] = []
    for path in results:
        table = read_table(path)
        read.append(table.assign(experiment=path.stem) if len(results) > 1 else table)
    joined = pd.concat(read, ignore_index=True)
    wanted = (
        list(joined.columns) if columns == "all" else [name.strip() for name in columns.split(",")] if columns else None
    )
    show_table(compared(joined, by=by, sort=sort, columns=wanted, against=against), format.value)
