"""`resnet-lab report`: results as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    results: Annotated[list[Path], typer.Argument(help="Results folders, or .csv files of trials.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path("report.html"),
    baseline: Annotated[
        str | None, typer.Option(help="Judge the variants against this one; the experiment's baseline if left out.")
    ] = None,
    where: Annotated[
        str | None, typer.Option(help="Take only the trials for which this condition holds, such as 'params < 30e6'.")
    ] = None,
) -> None:
    """Write a report on results: one HTML file, which needs no network.

    It shows the verdicts, the table of trials, accuracy against its price, learning curves, the drawing of each
    network, the configuration and the provenance.

    Example: `resnet-lab report results/depth_sweep -o depth_sweep.html --baseline resnet18`
    """
    from ..results.report.write import report

    report(results, output, baseline=baseline, where=where)
    print(f"{output} ({output.stat().st_size / 1000:,.0f} kB)")
