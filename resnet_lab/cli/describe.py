"""`resnet-lab describe`: shapes, parameters and multiply-adds of networks, before anything runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.errors import LabError

if TYPE_CHECKING:
    from ..specs.describe import Described


def command(
    variants: Annotated[list[str] | None, typer.Argument(help="Names or paths of stage specs.")] = None,
    input: Annotated[str | None, typer.Option(help="Image shape CxHxW; the spec's own if left out.")] = None,
    classes: Annotated[int | None, typer.Option(min=1, help="Outputs of the head; the spec's own if left out.")] = None,
    layers: Annotated[bool, typer.Option("--layers", help="Print every layer instead of every stage.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, or a list for several variants.")
    ] = False,
    block: Annotated[str | None, typer.Option(help="Describe one block alone instead of a variant.")] = None,
    channels: Annotated[int | None, typer.Option(min=1, help="With --block: the block's width.")] = None,
    stride: Annotated[int | None, typer.Option(min=1, help="With --block: the block's stride; 1 if left out.")] = None,
    shortcut: Annotated[
        str | None, typer.Option(help="With --block: projection (if left out), pad, project_all or avgpool.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="With --block: an option of the block as KEY=VALUE; repeatable.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--from", help="With --block: the Python file that registers the block.")
    ] = None,
) -> None:
    """Show layers, shapes, parameters and multiply-adds, before anything runs and without any framework.

    Example: `resnet-lab describe resnet50 --input 3x224x224 --layers`

    Example: `resnet-lab describe --block bottleneck --input 256x56x56 --channels 128 --stride 2`
    """
    from ..specs import describe as facts

    if bool(block) == bool(variants):
        raise LabError("describe takes either names of variants or one --block")
    if block:
        if input is None or channels is None:
            raise LabError("describe --block needs --input CxHxW and --channels N")
        described = [facts.block(block, input, channels, stride or 1, shortcut or "projection", option or [], file)]
    else:
        only_blocks = {"channels": channels, "stride": stride, "shortcut": shortcut, "option": option, "from": file}
        for name, value in only_blocks.items():
            if value:
                raise LabError(f"--{name} works only together with --block; a variant's spec sets it in its stages")
        described = [facts.variant(name, input, classes) for name in variants or []]
    if as_json:
        objects = [facts.as_json(item) for item in described]
        print(json.dumps(objects if len(objects) > 1 else objects[0], indent=1))
    else:
        for item in described:
            show(item, layers)


def show(described: Described, layers: bool) -> None:
    """Print a network as a table, with one row for each stage or for each layer."""
    from ..network.graph import show as shape_text
    from ..specs.describe import groups, shapes_text
    from .tables import count, grid

    graph = described.graph
    multiply_adds = "multiply-adds not known" if graph.macs is None else f"{graph.macs:,} multiply-adds"
    print(
        f"{described.name}: {described.summary}\ninput {shape_text(graph.input)}, depth {graph.depth}, "
        f"{graph.params:,} parameters, {multiply_adds}, digest {graph.digest}"
    )
    if layers or described.kind == "block":
        rows: list[Sequence[object]] = [
            (node.name, node.op, shape_text(node.output), f"{node.trained:,}", count(node.macs))
            for node in graph.layers
        ]
        columns = ["layer", "op", "output", "params", "macs"]
    else:
        rows = [
            (group.name, group.layers, shapes_text(group), f"{group.params:,}", count(group.macs))
            for group in groups(graph)
        ]
        columns = ["stage", "layers", "output", "params", "macs"]
    grid("", columns, rows, ["layers", "params", "macs"])
