"""`resnet-lab bench`: how fast networks train and predict here, and which of two is faster."""

from __future__ import annotations

import math
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from ..base.errors import LabError
from .compare import Format

if TYPE_CHECKING:
    import pandas as pd

    from ..sweeps.bench.plan import Batch

_LISTS = {
    "--batch-size": r"\d+|max",
    "--mode": "infer|train|forward|backward|update",
    "--engine": "mxnet|torch|auto",
    "--precision": "float32|tf32|bfloat16|float16",
    "--dtype": "float32|tf32|bfloat16|float16",
}
"""Options that several values may follow, and what a value looks like; any other word is a variant."""


_STOPPED = "resnet-lab: stopped; the lines above say what was measured, and the same command begins from the start"


class Command(TyperCommand):
    """A command whose options may take several values, as in `--batch-size 16 32`, which typer does not offer."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of the command line."""
        return super().parse_args(ctx, list(repeated(args)))


def repeated(words: Sequence[str]) -> Iterator[str]:
    """Repeat an option before each further value: `--batch-size 16 32` as `--batch-size 16 --batch-size 32`."""
    option, first = "", False
    for word in words:
        if word.startswith("-"):
            option, first = word, True
        elif not first and option in _LISTS and re.fullmatch(_LISTS[option], word):
            yield option
        elif not first:
            option = ""
        else:
            first = False
        yield word


def command(
    variants: Annotated[
        list[str] | None, typer.Argument(help="Names or paths of stage specs. The first is the baseline of the others.")
    ] = None,
    engine: Annotated[
        list[str] | None, typer.Option(help="mxnet, torch, or auto: mxnet if it can run here, else torch.")
    ] = None,
    device: Annotated[list[str] | None, typer.Option(help="auto, cpu, gpu or gpu:N.")] = None,
    mode: Annotated[
        list[str] | None,
        typer.Option(
            help="infer, train (forward, backward and update together), forward, backward or update; train if left out."
        ),
    ] = None,
    batch_size: Annotated[
        list[str] | None, typer.Option(help="Images in a batch; max searches the largest that fits. 32 if left out.")
    ] = None,
    precision: Annotated[
        list[str] | None, typer.Option("--precision", "--dtype", help="float32, tf32, bfloat16 or float16.")
    ] = None,
    compile: Annotated[
        list[str] | None, typer.Option(help="A compile mode of the engine, such as off; auto if left out.")
    ] = None,
    input: Annotated[str | None, typer.Option(help="Image shape CxHxW; each spec's own if left out.")] = None,
    peer: Annotated[
        str | None,
        typer.Option(help="gluoncv, timm or torchvision: also measure the library's networks, in turns with ours."),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate", help="Measure small networks once, for `describe --on here`; takes no variant."),
    ] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads; if left out, OMP_NUM_THREADS, else one for each core.")
    ] = None,
    format: Annotated[
        Format, typer.Option(help="How the table is written; csv and json keep every column and digit.")
    ] = Format.table,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the table into this file; as CSV unless --format says otherwise."),
    ] = None,
) -> None:
    """Measure how fast networks train and predict on this machine, and which of them is faster.

    An option that has several values, such as `--batch-size 16 32`, is combined with the values of all others. Several
    networks are timed in turns, and each gets a verdict beside the first: faster, slower, same or undecided.

    Exit status: 0 if every row was measured or ran out of memory, 1 if one failed, 2 if a value is wrong.

    Example: `resnet-lab bench resnet18 resnet34 --engine torch --mode train --batch-size 16 32 --input 3x64x64`

    Example: `resnet-lab bench resnet50_v1b --peer torchvision --mode infer train --input 3x64x64 -o bench.csv`

    Example: `resnet-lab bench --calibrate --engine torch`
    """
    from ..base.files import write_text
    from ..specs.describe import shape
    from ..sweeps.bench.functions import bench
    from .calibrating import calibrate_and_show, only
    from .tables import written

    if bool(variants) == calibrate:
        raise LabError("bench takes either names of variants or --calibrate")
    if calibrate:
        others = {"mode": mode, "batch-size": batch_size, "compile": compile, "input": input, "peer": peer}
        for name, value in {**others, "threads": threads, "output": output}.items():
            if value is not None:
                raise LabError(f"--{name} does not work together with --calibrate")
        calibrate_and_show(
            only("engine", engine, "auto"), only("device", device, "auto"), only("precision", precision, "float32")
        )
        return
    if output is not None and not output.parent.is_dir():
        raise LabError(f"--output: there is no folder '{output.parent}'")
    choices: dict[str, Any] = {
        "engine": engine,
        "device": device,
        "mode": mode,
        "batch_size": batch_size and [_size(text) for text in batch_size],
        "precision": precision,
        "compile": compile,
    }
    try:
        table = bench(
            *(variants or []),
            **{name: values for name, values in choices.items() if values},
            input=shape(input) if input else None,
            peer=peer,
            threads=threads,
            tell=lambda line: print(line, file=sys.stderr, flush=True),
        )
    except KeyboardInterrupt:  # handled here, since typer would turn it into an exit without a message
        print(_STOPPED, file=sys.stderr)
        raise typer.Exit(130) from None
    if output is not None:
        write_text(output, written(table, "csv" if format is Format.table else format.value) + "\n")
    if format is Format.table:
        show(table)
    elif output is None:
        print(written(table, format.value))
    if format is not Format.table:
        for line in notes(table):
            print(line, file=sys.stderr)
    if (table["status"] == "failed").any():
        raise typer.Exit(1)


def _size(text: str) -> Batch:
    if text != "max" and not text.isdecimal():
        raise LabError(f"--batch-size is a whole number from 1, or max, not '{text}'")
    return "max" if text == "max" else int(text)


_SETTINGS = ("engine", "device", "precision", "compile", "threads", "input", "mode", "batch")
"""Columns that are printed once, above the table, if they have the same value in all rows."""

_HEADS = {
    "images_per_s": "images/s",
    "ms": "ms",
    "ms_p10": "p10",
    "ms_p90": "p90",
    "ms_p99": "p99",
    "latency_ms": "latency ms",
    "peak_memory_mb": "memory MB",
    "utilisation": "of peak",
    "energy_j_per_1000": "J/1000 images",
}
_DISPENSABLE = ("ms_p99", "ms_p10", "ms_p90", "energy_j_per_1000", "latency_ms")
"""Columns that a narrow terminal loses, the first one first."""


def show(table: pd.DataFrame) -> None:
    """Print what all rows share, the rows, the verdicts and the notes."""
    from .tables import Column, cell, fitting, print_columns, terminal_width

    width = terminal_width()
    shared = [name for name in _SETTINGS if table[name].nunique() == 1]
    columns = []
    for name, head in ({name: name for name in ("variant", *_SETTINGS) if name not in shared} | _HEADS).items():
        if name in table:
            cells = tuple(_percent(value) if name == "utilisation" else cell(name, value) for value in table[name])
            columns.append(Column(name, head, cells, right=name in _HEADS or name in ("threads", "batch")))
    shown = fitting(columns, width, _DISPENSABLE)
    above = ", ".join(f"{name} {table[name].iloc[0]}" for name in shared)
    lines = [f"{above}, {table['processor'].iloc[0]}", *notes(table)]
    if len(shown) < len(columns):
        lines.append(f"{len(columns) - len(shown)} column(s) left out; --format csv prints all")
    texts = [textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False) for line in lines]
    print(texts[0])
    print_columns(shown, width)
    print("\n".join(texts[1:]))


def _percent(share: float) -> str:
    return "" if math.isnan(share) else f"{share:.0%}"


def notes(table: pd.DataFrame) -> list[str]:
    """A line for each verdict and for each row that did not end well, and one for each kind of note."""
    lines: list[str] = []
    rows_of: dict[str, list[tuple[str, str]]] = {}
    for row in table.to_dict("records"):
        what = f"{row['variant']} ({row['engine']}, {row['mode']}, batch {row['batch']})"
        if isinstance(row.get("verdict"), str):
            lines.append(
                f"{what}: {row['verdict']}; it takes {row['ratio']:.3f} times as long as {row['baseline']} (95 % "
                f"interval {row['ratio_low']:.3f} to {row['ratio_high']:.3f}, {row['turns']:.0f} turns): {row['why']}"
            )
        if row["status"] != "ok":
            lines.append(f"{what}: {row['status']}: {row['reason']}")
        for note in filter(None, row["notes"].split("; ")):
            rows_of.setdefault(note.partition(":")[0], []).append((what, note))
    for rows in rows_of.values():
        (what, note), others = rows[0], len(rows) - 1
        lines.append(f"note: {what}: {note}{f' (and in {others} more)' if others else ''}")
    return lines
