"""`resnet-lab list`: the blocks, ops, variants, datasets and engines that can be used."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from ..base.errors import LabError, unknown


def command(
    subject: Annotated[
        str | None, typer.Argument(help="blocks, ops, variants, datasets or engines; all if left out.")
    ] = None,
) -> None:
    """List the blocks, ops, variants, datasets and engines that can be used.

    Example: `resnet-lab list variants`
    """
    if subject is not None and subject not in SUBJECTS:
        raise LabError(unknown("subject", subject, SUBJECTS))
    for name in [subject] if subject else SUBJECTS:
        SUBJECTS[name]()


def blocks() -> None:
    """Print the registered blocks with their options."""
    from ..blocks.registry import BLOCKS
    from .tables import grid

    rows = [(entry.name, entry.expansion, _options(entry.options), entry.summary) for entry in BLOCKS.entries.values()]
    grid("blocks", ["block", "expansion", "options", "description"], rows)


def ops() -> None:
    """Print the ops that blocks call, with their parameters."""
    from .. import ops  # noqa: F401 - importing the ops registers them
    from ..network.tensor import OPS
    from .tables import grid

    rows = []
    for name, function in sorted(OPS.items()):
        parameters = inspect.signature(function).parameters.values()
        shown = [parameter.replace(annotation=parameter.empty) for parameter in parameters if parameter.name != "name"]
        rows.append((f"{name}{inspect.Signature(shown)}", (inspect.getdoc(function) or "").partition("\n")[0]))
    grid("ops", ["op", "description"], rows)


def variants() -> None:
    """Print the variants that a name can mean, with their cost."""
    from ..network.graph import show
    from ..specs import workspace
    from ..specs.variant import load
    from .tables import grid, short

    rows: list[Sequence[object]] = []
    for name in sorted(workspace.names("variants"), key=_natural):
        try:
            variant = load(name)
            graph = variant.graph()
        except LabError as error:  # one broken file must not hide the others
            rows.append((name, "-", "-", "-", "-", f"broken: {error}"))
            continue
        description = variant.spec.description
        rows.append((name, graph.depth, short(graph.params), short(graph.macs), show(graph.input), description))
    columns = ["variant", "depth", "params", "macs", "input", "description"]
    grid("variants", columns, rows, ["depth", "params", "macs"])


def datasets() -> None:
    """Print the registered datasets with their options."""
    from ..data import DATASETS
    from ..network.graph import show
    from .tables import grid

    rows: list[Sequence[object]] = []
    for entry in DATASETS.entries.values():
        facts = entry.fixed
        known = (facts.classes, show(facts.shape), facts.count) if facts else ("", "", "")
        rows.append((entry.name, *known, _options(entry.options), entry.summary))
    columns = ["dataset", "classes", "image", "training images", "options", "description"]
    grid("datasets", columns, rows, ["classes", "training images"])


def engines() -> None:
    """Print the engines, and why one cannot run on this machine."""
    from .. import engines
    from .tables import grid

    rows: list[Sequence[object]] = []
    for name in engines.names():
        engine = engines.get(name)
        problem = engine.problem()
        rows.append((name, "-" if problem else engine.version(), problem or "ready"))
    grid("engines", ["engine", "version", "on this machine"], rows)


SUBJECTS: dict[str, Callable[[], None]] = {
    "blocks": blocks,
    "ops": ops,
    "variants": variants,
    "datasets": datasets,
    "engines": engines,
}
"""What `list` can list: a name, and the function that prints it."""


def _options(options: dict[str, inspect.Parameter]) -> str:
    """Options as 'path, test=0.2': an option without a default has no value here."""
    return ", ".join(
        name if option.default is option.empty else f"{name}={option.default}" for name, option in options.items()
    )


def _natural(name: str) -> list[Any]:
    """A sort key that puts resnet18 before resnet101."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
