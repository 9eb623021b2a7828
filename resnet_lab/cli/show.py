"""How things look on a terminal: rich tables, and the table formats of `compare`."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..network.graph import show as shape_text
from ..specs.describe import Described, groups, shapes_text

if TYPE_CHECKING:
    import pandas as pd

    from ..specs.experiment import Experiment
    from ..training.prediction import Prediction


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


def listing(subject: str) -> None:
    """Print the blocks, variants, datasets or engines there are."""
    rows: list[Sequence[object]] = []
    if subject == "blocks":
        from ..blocks.registry import BLOCKS

        for entry in BLOCKS.entries.values():
            options = ", ".join(f"{name}={parameter.default}" for name, parameter in entry.options.items())
            rows.append((entry.name, entry.expansion, options, entry.summary))
        grid("blocks", ["block", "expansion", "options", "what it is"], rows)
    elif subject == "variants":
        from ..base.errors import LabError
        from ..specs import workspace
        from ..specs.variant import load

        for name in sorted(workspace.names("variants"), key=_natural):
            try:
                variant = load(name)
                graph = variant.graph()
                rows.append(
                    (
                        name,
                        graph.depth,
                        short(graph.params),
                        short(graph.macs),
                        shape_text(graph.input),
                        variant.spec.description,
                    )
                )
            except LabError as error:  # one broken file must not hide the others
                rows.append((name, "-", "-", "-", "-", f"broken: {error}"))
        grid(
            "variants", ["variant", "depth", "params", "macs", "input", "what it is"], rows, ["depth", "params", "macs"]
        )
    elif subject == "datasets":
        from ..data import DATASETS

        for source in DATASETS.entries.values():
            facts = source.fixed
            known = (facts.classes, shape_text(facts.shape), facts.count) if facts else ("", "", "")
            options = ", ".join(f"{name}{_default(option)}" for name, option in source.options.items())
            rows.append((source.name, *known, options, source.summary))
        columns = ["dataset", "classes", "image", "to train on", "options", "what it is"]
        grid("datasets", columns, rows, ["classes", "to train on"])
    else:
        from .. import engines

        for name in engines.names():
            engine = engines.get(name)
            problem = engine.problem()
            rows.append((name, "-" if problem else engine.version(), problem or "ready"))
        grid("engines", ["engine", "version", "here"], rows)


def _default(option: inspect.Parameter) -> str:
    """'=0.2' for an option with that default, '' for one that has to be given."""
    return "" if option.default is option.empty else f"={option.default}"


def _natural(name: str) -> list[Any]:
    """A key that puts resnet18 before resnet101."""
    import re

    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def network(described: Described, layers: bool) -> None:
    """Print a network, by stage or by layer."""
    graph = described.graph
    multiply_adds = "multiply-adds not known" if graph.macs is None else f"{graph.macs:,} multiply-adds"
    head = (
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
    print(head)
    grid("", columns, rows, ["layers", "params", "macs"])


def plan(experiment: Experiment, folder: Path, device: str | None = None) -> None:
    """Print the trials of an experiment, and which of them are done."""
    from ..results.store import is_done
    from ..sweeps.plan import duplicate_message
    from ..sweeps.plan import plan as find_trials

    found = find_trials(experiment, device)
    trials = found.trials
    swept = list(dict.fromkeys(key for trial in trials for key in trial.swept))
    rows = [
        (
            trial.id,
            trial.variant,
            trial.engine,
            trial.seed,
            *(trial.swept.get(key, "") for key in swept),
            short(trial.graph.params),
            short(trial.graph.macs),
            "done" if is_done(folder, trial.id) else "to do",
        )
        for trial in trials
    ]
    grid(
        f"{experiment.name}: {len(trials)} trials",
        ["trial", "variant", "engine", "seed", *swept, "params", "macs", ""],
        rows,
        ["params", "macs"],
    )
    for pair in found.duplicates:
        print(duplicate_message(*pair))


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


def prediction(found: Prediction) -> None:
    """Print what a network names on one picture."""
    print(found.image)
    for guess in found.guesses:
        print(f"  {guess.probability:7.4f}  {guess.name}")


def health(found: dict[str, Any]) -> None:
    """Print what `doctor` found."""
    machine = found["machine"]
    lines = [
        f"resnet-lab {found['resnet_lab']}, Python {machine['python']} at {machine['executable']}",
        f"{machine['processor']}, {machine['cores']} core(s) for this process, "
        f"{machine['memory_gib']:.1f} GiB of memory",
    ]
    for gpu in found["gpus"]:
        lines.append(
            f"GPU {gpu['name']}, compute capability {gpu['capability']}, {gpu['memory']}, driver {gpu['driver']}"
        )
    if not found["gpus"]:
        lines.append("no NVIDIA GPU that a driver tells of")
    for engine in found["engines"]:
        if engine["problem"]:
            lines.append(f"engine {engine['name']}: cannot run here: {engine['problem']}")
        else:
            devices, build = ", ".join(engine["devices"]), engine["build"] or "not from a wheel"
            lines.append(
                f"engine {engine['name']} {engine['version']} ({build}): {devices}; auto is {engine['auto']} "
                f"({engine['why']}); compile auto is {engine['compile']} ({engine['why_compile']}); "
                f"{engine['threads']} thread(s)"
            )
    for name, place in found["data"].items():
        lines.append(f"data {name}: {place}")
    print("\n".join(lines))
