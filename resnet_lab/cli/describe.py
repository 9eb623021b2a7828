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
    from .predicted_cost import Costs


def command(
    variants: Annotated[list[str] | None, typer.Argument(help="Names or paths of stage specs.")] = None,
    input: Annotated[str | None, typer.Option(help="Image shape CxHxW; the spec's own if left out.")] = None,
    classes: Annotated[int | None, typer.Option(min=1, help="Outputs of the head; the spec's own if left out.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE: changes the specs, such as every_stage.stride_on=3x3; repeatable."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="VARIANT", help="Compare the cost with this variant, which --set leaves alone."),
    ] = None,
    diff: Annotated[
        str | None,
        typer.Option(metavar="VARIANT", help="Show what differs between the variant and this one, layer by layer."),
    ] = None,
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
    plot: Annotated[
        Path | None, typer.Option(help="Draw the network into this file, whose name ends in .svg, and print nothing.")
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(metavar="here", help="Predict times and memory on this machine; `bench --calibrate` comes first."),
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="With --on: mxnet, torch or auto; auto if left out, as for `run`.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="With --on: the images in a batch; 32 if left out.")
    ] = None,
    dtype: Annotated[str | None, typer.Option(help="With --on: the precision; float32 if left out.")] = None,
) -> None:
    """Show layers, shapes, parameters and multiply-adds, before anything runs and without any framework.

    Example: `resnet-lab describe resnet50 --input 3x224x224 --layers`

    Example: `resnet-lab describe my_se_resnet18 --against resnet18 --set every_stage.reduction=8`

    Example: `resnet-lab describe resnet50 --diff resnet50_v1b`

    Example: `resnet-lab describe --block bottleneck --input 256x56x56 --channels 128 --stride 2`

    Example: `resnet-lab describe resnet50 --plot resnet50.svg`

    Example: `resnet-lab describe resnet50 --on here --engine torch --batch-size 16`
    """
    from ..specs import describe as facts
    from .predicted_cost import costs_on

    if bool(block) == bool(variants):
        raise LabError("describe takes either names of variants or one --block")
    baseline = None
    if block:
        if against or settings or diff:
            word = "against" if against else "diff" if diff else "set"
            raise LabError(f"--{word} works only with variants; --option sets one of a block")
        if input is None or channels is None:
            raise LabError("describe --block needs --input CxHxW and --channels N")
        described = [facts.block(block, input, channels, stride or 1, shortcut or "projection", option or [], file)]
    else:
        only_blocks = {"channels": channels, "stride": stride, "shortcut": shortcut, "option": option, "from": file}
        for name, value in only_blocks.items():
            if value:
                raise LabError(f"--{name} works only together with --block; a variant's spec sets it in its stages")
        described = [facts.variant(name, input, classes, settings or []) for name in variants or []]
        baseline = facts.variant(against, input, classes) if against else None
    costs = costs_on(on, engine, batch_size, dtype)
    if diff is not None:
        if len(described) != 1 or against or plot or costs:
            raise LabError(
                "--diff compares one variant with another: leave out further variants, --against, --plot and --on"
            )
        _show_difference(described[0], facts.variant(diff, input, classes), layers, as_json)
    elif plot is not None:
        if against or as_json or layers or costs:
            raise LabError("--plot prints nothing: leave out --against, --json, --layers and --on")
        _draw(described, plot)
    elif as_json:
        objects = [facts.as_json(item, baseline) | (costs.as_json(item.graph) if costs else {}) for item in described]
        print(json.dumps(objects if len(objects) > 1 else objects[0], indent=1))
    else:
        for item in described:
            show(item, layers, costs)
        if baseline:
            show_ratios(described, baseline)


def _show_difference(described: Described, other: Described, layers: bool, as_json: bool) -> None:
    """Print what differs between two variants."""
    from ..specs.difference import difference
    from .difference import show as show_difference

    found = difference(described, other)
    if as_json:
        print(json.dumps(found.to_json(), indent=1))
    else:
        show_difference(found, layers)


def _draw(described: Sequence[Described], file: Path) -> None:
    """Draw one network into an SVG file."""
    from ..base.files import write_text
    from ..network.drawing import draw

    if len(described) != 1:
        raise LabError("describe --plot draws one network; name one variant")
    if file.suffix != ".svg" or not file.parent.is_dir():
        raise LabError(f"--plot writes SVG: name a file in an existing folder that ends in .svg, not '{file}'")
    write_text(file, draw(described[0].graph, described[0].name))


def show(described: Described, layers: bool, costs: Costs | None = None) -> None:
    """Print a network as a table, with one row for each stage or for each layer, and its predicted costs."""
    from ..network.graph import show as shape_text
    from ..specs.describe import groups, shapes_text
    from .predicted_cost import LAYER_COLUMNS
    from .tables import count, grid

    graph = described.graph
    multiply_adds = "multiply-adds not known" if graph.macs is None else f"{graph.macs:,} multiply-adds"
    changed = "".join(f" {key}={value}" for key, value in described.overrides.items())
    summary = f": {described.summary}" if described.summary else ""
    print(
        f"{described.name}{changed}{summary}\ninput {shape_text(graph.input)}, depth {graph.depth}, "
        f"{graph.params:,} parameters, {multiply_adds}, digest {graph.digest}"
    )
    if layers or described.kind == "block":
        rows: list[Sequence[object]] = [
            (node.name, node.op, shape_text(node.output), f"{node.trained:,}", count(node.macs))
            for node in graph.layers
        ]
        columns = ["layer", "op", "output", "params", "macs"]
        if costs:
            rows = [(*row, *cells) for row, cells in zip(rows, costs.layer_cells(graph), strict=True)]
            columns += LAYER_COLUMNS
    else:
        rows = [
            (group.name, group.layers, shapes_text(group), f"{group.params:,}", count(group.macs))
            for group in groups(graph)
        ]
        columns = ["stage", "layers", "output", "params", "macs"]
    grid("", columns, rows, ["layers", "params", "macs", *LAYER_COLUMNS])
    if costs:
        print(costs.summary(graph) + "\n")


def show_ratios(described: Sequence[Described], baseline: Described) -> None:
    """Print parameters, multiply-adds and the number of layers of networks, each with its ratio to a baseline's."""
    from ..specs.describe import ratios
    from .tables import count, grid

    rows = []
    for item in (baseline, *described):
        row: list[object] = [item.name]
        for name, ratio in ratios(item, baseline).items():
            row += [count(item.costs[name]), "-" if ratio is None else f"{ratio:.3f}"]
        rows.append(row)
    columns = ["variant", "params", "ratio", "macs", "ratio", "layers", "ratio"]
    grid(f"against {baseline.name}", columns, rows, ["params", "macs", "layers", "ratio"])
