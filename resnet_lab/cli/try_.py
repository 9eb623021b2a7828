"""`resnet-lab try`: from the file of a block to a verdict."""

from __future__ import annotations

import math
import sys
import textwrap
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options

if TYPE_CHECKING:
    import pandas as pd

    from ..results.verdict import Verdict
    from ..sweeps.pairs import Outcome
    from ..sweeps.tryout import Tryout

_WIDTH = 80


def command(
    file: Annotated[Path, typer.Argument(metavar="BLOCK.py", help="A Python file that registers a block.")],
    baseline: Annotated[str, typer.Option(help="The variant whose every stage gets the block.")] = "resnet18",
    data: Annotated[str, typer.Option(help="The dataset.")] = "digits",
    match: Annotated[
        str | None,
        typer.Option(help="macs, params or latency: change the width until the block costs what the baseline costs."),
    ] = None,
    at_most: Annotated[
        str | None,
        typer.Option(
            help="The time for all runs, such as 90s, 10m or 1h. If left out 10m, or as many pairs as the "
            "last call planned."
        ),
    ] = None,
    block: Annotated[str | None, typer.Option(help="Which block, if the file registers several.")] = None,
    engine: Annotated[str, typer.Option(help="mxnet, torch, or auto: mxnet if it can run here.")] = "auto",
    jobs: options.JobsText = None,
    results: Annotated[Path, typer.Option(help="The folder that holds a folder for each experiment.")] = Path(
        "results"
    ),
) -> None:
    """Put a block into a baseline, train both in pairs, and say whether the block is better.

    Both networks are trained by one recipe with the same seeds. The number of pairs is chosen by the time that the
    first pair takes. The same command continues after Ctrl-C, and the experiment that it writes can be run on.

    Example: `resnet-lab try variants/se_basic.py --match macs`

    Exit status: 0, also for the verdict `undecided`; 1 if a run failed; 2 if the input is wrong.
    """
    from ..sweeps.pairs import run_pairs
    from ..sweeps.tryout import prepare

    seconds = None if at_most is None else options.seconds("--at-most", at_most)
    at_once = options.jobs(jobs)
    tried = prepare(file, baseline=baseline, data=data, results=results, match=match, block=block, engine=engine)
    _describe(tried)
    if tried.is_same_network:
        print(
            _folded(
                f"same: {tried.variant} is the network of {tried.baseline} (digest {tried.graphs[0].digest}), so every "
                "pair of runs would be exactly equal. Nothing was trained."
            )
        )
    else:
        try:
            outcome = run_pairs(tried, seconds, partial(print, flush=True), jobs=at_once)
        except KeyboardInterrupt:  # handled here, since typer would turn it into an exit without a message
            print(options.STOPPED, file=sys.stderr)
            raise typer.Exit(130) from None
        _show(tried, outcome)
    print(f"\nThe experiment to go on from: {tried.experiment}")
    if not tried.is_same_network and (outcome.table["status"] != "ok").any():
        raise typer.Exit(1)


def _folded(text: str) -> str:
    return textwrap.fill(text, _WIDTH)


def _describe(tried: Tryout) -> None:
    """Print what both networks cost, side by side, stage by stage."""
    from ..network.graph import show as shape_text
    from ..specs.describe import groups
    from .tables import grid, short

    graphs = tried.graphs
    parts = zip(*(groups(graph) for graph in graphs), strict=False)
    rows = [(one.name, *(short(value) for group in (one, other) for value in (group.params, group.macs)))
            for one, other in parts]  # fmt: skip
    rows.append(("all", *(short(value) for graph in graphs for value in (graph.params, graph.macs))))
    print(f"{tried.baseline} (left) and {tried.variant} (right), input {shape_text(graphs[0].input)}")
    columns = ["stage", "params", "macs", "params ", "macs "]
    grid("", columns, rows, columns[1:])
    for matched in tried.plan.matched:
        print(_folded(matched.summary))


def _show(tried: Tryout, outcome: Outcome) -> None:
    """Print the verdict in half a page."""
    from ..results.verdict import caveats
    from ..sweeps.pairs import judged
    from .tables import Column, print_columns

    print()
    ok = outcome.table[outcome.table["status"] == "ok"]
    if outcome.problem and ok["variant"].nunique() < 2:
        print(_folded(f"no verdict: {outcome.problem}"))
        return
    found = judged(tried, outcome.table)
    print(_folded(f"{tried.variant} against {tried.baseline}: test accuracy {found[0].word.upper()}") + "\n")
    cells = [_row(verdict, ok, tried.values.get("match")) for verdict in found]
    heads = ("", "baseline", "block", "difference", "95 % interval", "verdict")
    columns = [
        Column(head, head, tuple(row[index] for row in cells), right=0 < index < 5) for index, head in enumerate(heads)
    ]
    print_columns(columns, _WIDTH)
    print()
    for verdict in found[:2]:
        print(_folded(f"{verdict.metric}: {verdict.reason}."))
    for line in [outcome.problem] if outcome.problem else [_pairs(outcome), *caveats(found)]:
        print(_folded(f"{line}."))


def _pairs(outcome: Outcome) -> str:
    """How many pairs the verdict rests on."""
    if outcome.pairs == outcome.planned:
        return f"{outcome.pairs} pairs were run, as planned"
    return f"{outcome.pairs} of {outcome.planned} pairs were run before the time was over; the same command goes on"


def _row(verdict: Verdict, ok: pd.DataFrame, match: str | None) -> tuple[str, ...]:
    """A row of the verdict's table; the difference of a counted cost is a share of the baseline's."""
    from ..results.verdict import EXACT
    from .tables import cell

    metric = verdict.metric
    means = [float(ok[ok["variant"] == name][metric].mean()) for name in (verdict.baseline, verdict.variant)]
    name = metric.replace("images_per_s", "images/s").replace("_", " ")
    if metric in EXACT:
        share = f"{100 * (means[1] / means[0] - 1):+.2f} %"
        return name, *(cell(metric, mean) for mean in means), share, "", "matched" if metric == match else verdict.word
    decimals = 4 if abs(means[0]) < 10 else 1
    low, high = (f"{value:+.{decimals}f}" for value in (verdict.low, verdict.high))
    interval = "" if math.isinf(verdict.low) else f"{low} to {high}"
    return (
        name,
        *(cell(metric, mean) for mean in means),
        f"{verdict.difference:+.{decimals}f}",
        interval,
        verdict.word,
    )
