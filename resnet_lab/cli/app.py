"""The command line; thin: each command reads its words, calls the package, and prints."""

from __future__ import annotations

import json
import os
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from ..base.errors import LabError
from . import weights as cli_weights
from .data import app as data_app

app = typer.Typer(
    name="resnet-lab",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find out whether an idea about residual networks is any good.\n\n"
    "Register a block, name it in a stage spec, run a sweep, compare the table.",
)


app.add_typer(data_app, name="data")


class Subject(str, Enum):
    """What `list` can list."""

    blocks = "blocks"
    variants = "variants"
    datasets = "datasets"
    engines = "engines"


class Format(str, Enum):
    """How a table is written."""

    table = "table"
    csv = "csv"
    markdown = "markdown"
    latex = "latex"
    json = "json"


def main() -> None:
    """Entry point; a person's mistake is one message on standard error and exit status 2."""
    try:
        try:
            app()
        except SystemExit as end:
            if isinstance(end.__context__, BrokenPipeError):  # typer makes 1 of it
                raise BrokenPipeError from None
            sys.stdout.flush()  # here, where its failure can be told; the interpreter's own comes too late
            raise
    except LabError as error:
        print(f"resnet-lab: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(
            "resnet-lab: stopped; what has finished is kept, and the same command goes on from there", file=sys.stderr
        )
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"resnet-lab {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command("list")
def list_(subject: Annotated[Subject | None, typer.Argument(help="All of them where none is named.")] = None) -> None:
    """List the blocks, variants, datasets and engines there are.

    Example: `resnet-lab list variants`
    """
    from . import show

    for which in [subject] if subject else list(Subject):
        show.listing(which.value)


@app.command()
def describe(
    variants: Annotated[list[str] | None, typer.Argument(help="Names or paths of stage specs.")] = None,
    input: Annotated[str | None, typer.Option(help="Image shape CxHxW; the spec's own if left out.")] = None,
    classes: Annotated[int | None, typer.Option(min=1, help="Outputs of the head; the spec's own if left out.")] = None,
    layers: Annotated[bool, typer.Option("--layers", help="Every layer, not every stage.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, or a list for several variants.")] = False,
    block: Annotated[str | None, typer.Option(help="One block alone instead of a variant.")] = None,
    channels: Annotated[int | None, typer.Option(min=1, help="With --block: its width.")] = None,
    stride: Annotated[int | None, typer.Option(min=1, help="With --block: its stride; 1 if left out.")] = None,
    shortcut: Annotated[
        str | None, typer.Option(help="With --block: projection (if left out), pad, project_all or avgpool.")
    ] = None,
    option: Annotated[list[str] | None, typer.Option(help="With --block: KEY=VALUE, repeatable.")] = None,
    file: Annotated[
        Path | None, typer.Option("--from", help="With --block: the Python file that registers it.")
    ] = None,
) -> None:
    """Show layers, shapes, parameters and multiply-adds, before anything runs and without any framework.

    Example: `resnet-lab describe resnet50 --input 3x224x224 --layers`

    Example: `resnet-lab describe --block bottleneck --input 256x56x56 --channels 128 --stride 2`
    """
    from ..specs import describe as facts
    from . import show

    if bool(block) == bool(variants):
        raise LabError("describe takes variants, or one --block")
    if block:
        if input is None or channels is None:
            raise LabError("describe --block needs --input CxHxW and --channels N")
        described = [facts.block(block, input, channels, stride or 1, shortcut or "projection", option or [], file)]
    else:
        of_blocks = {"channels": channels, "stride": stride, "shortcut": shortcut, "option": option, "from": file}
        for word, value in of_blocks.items():
            if value:
                raise LabError(f"--{word} says how a --block is made; the spec says it of a variant")
        described = [facts.variant(name, input, classes) for name in variants or []]
    if as_json:
        objects = [facts.as_json(item) for item in described]
        print(json.dumps(objects if len(objects) > 1 else objects[0], indent=1))
    else:
        for item in described:
            show.network(item, layers)


@app.command()
def run(
    experiment: Annotated[str, typer.Argument(help="The experiment's file, or its name in experiments/.")],
    engine: Annotated[str | None, typer.Option(help="Instead of the experiment's engine; several with commas.")] = None,
    device: Annotated[
        str | None,
        typer.Option(help="auto, cpu, gpu, gpu:N, or gpu:N,M for several (MXNet), instead of the experiment's."),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE on top of the file, repeatable.")
    ] = None,
    results: Annotated[Path, typer.Option(help="The folder that holds a folder for each experiment.")] = Path(
        "results"
    ),
    fresh: Annotated[bool, typer.Option("--fresh", help="Run trials anew that are done already.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say which trials there are, and stop.")] = False,
) -> None:
    """Train and test every trial of an experiment; what is done is not done again.

    Exit status: 0 all trials `ok`, 1 some are not, 2 the experiment is wrong.

    Example: `resnet-lab run experiments/depth_sweep.yaml --set train.epochs=10`
    """
    from rich.console import Console

    from ..specs.experiment import load
    from . import show

    wanted = list(settings or [])
    if engine is not None:
        wanted.append(f"engine=[{engine}]")
    loaded = load(experiment, wanted)
    folder = results / loaded.name
    if dry_run:
        show.plan(loaded, folder, device)
        return
    from ..results.compare import compare
    from ..sweeps.progress import for_console
    from ..sweeps.run import run as run_sweep

    progress = for_console(Console())
    try:
        table = run_sweep(loaded, folder, progress, device=device, fresh=fresh)
    finally:
        progress.end()
    show.table(compare(table))
    print(f"\n{folder}/trials.csv: one row a trial; {folder}/epochs.csv: one row an epoch")
    if (table["status"] != "ok").any():
        raise typer.Exit(1)


@app.command()
def compare(
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
    from . import show

    read: list[Any] = []
    for path in results:
        table = read_table(path)
        read.append(table.assign(experiment=path.stem) if len(results) > 1 else table)
    joined = pd.concat(read, ignore_index=True)
    wanted = (
        list(joined.columns) if columns == "all" else [name.strip() for name in columns.split(",")] if columns else None
    )
    show.table(compared(joined, by=by, sort=sort, columns=wanted, against=against), format.value)


app.command()(cli_weights.predict)
app.command()(cli_weights.evaluate)
app.command()(cli_weights.export)


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Say what this machine can run, and what is missing, with the command that mends it.

    Example: `resnet-lab doctor`
    """
    from . import show
    from .doctor import examine

    found = examine()
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        show.health(found)
