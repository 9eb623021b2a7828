"""`resnet-lab data`: list, fetch, check and show datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..base.errors import LabError

if TYPE_CHECKING:
    from ..data import Dataset, Source
    from ..specs.data import DataSpec

app = typer.Typer(no_args_is_help=True, help="List, fetch, check and show datasets.")

Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="A setting KEY=VALUE as in an experiment's data, such as size=64; may be repeated."),
]
Name = Annotated[str, typer.Argument(help="The name of a dataset; see: resnet-lab data list.")]
From = Annotated[Path | None, typer.Option("--from", help="A Python file that registers datasets.")]


@app.command("list")
def list_() -> None:
    """List the datasets with their options.

    Example: `resnet-lab data list`
    """
    from .list import datasets

    datasets()


@app.command()
def fetch(name: Name) -> None:
    """Download the files of a dataset, or say which files belong into which folder.

    Example: `resnet-lab data fetch fashion_mnist`
    """
    from ..data.check import hashes

    source = _source(name)
    if not source.files:
        print(f"there is nothing to download for {name}: {source.summary}")
    for line in hashes(source):
        print(line)


@app.command()
def check(
    name: Name,
    settings: Set = None,
    file: From = None,
    remove: Annotated[Path | None, typer.Option("--list", help="A file for the names of damaged pictures.")] = None,
) -> None:
    """Check the hashes of a dataset's files, count its pictures, and decode each; exit status 1 if any is damaged.

    Example: `resnet-lab data check imagefolder --set path=photos`
    """
    from ..data.check import damaged, hashes, splits
    from .tables import grid

    _register(file)
    source, spec = _source(name), _spec(name, settings)
    for line in hashes(source):
        print(line)
    dataset = _load(spec)
    rows = [(split, count, f"{least} to {most}", balance) for split, count, least, most, balance in splits(dataset)]
    grid("", ["part", "pictures", "a class", "most / least"], rows, ["pictures"])
    bad = damaged(dataset)
    print(f"{len(bad)} damaged picture(s)" + (":" if bad else ""))
    for line in bad:
        print(f"  {line}")
    if remove is not None:
        remove.write_text("".join(f"{line}\n" for line in bad), encoding="utf-8")
    if bad:
        raise typer.Exit(1)


@app.command()
def show(
    name: Name,
    settings: Set = None,
    file: From = None,
    plot: Annotated[Path | None, typer.Option(help="Draw pictures before and after augmentation to this file.")] = None,
    count: Annotated[int, typer.Option(min=1, max=100, help="With --plot: the number of pictures.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="With --plot: the seed of the order and the augmentation.")] = 0,
) -> None:
    """Show the classes of a dataset, its image size, its mean and deviation, and the sizes of its parts.

    Example: `resnet-lab data show cifar10-jpeg --set 'augment=[{pad_crop: 4}, flip]' --plot grid.png`
    """
    from ..data.check import splits

    _register(file)
    source, spec = _source(name), _spec(name, settings)
    if spec.size is None and source.facts(spec.options).shape[1] is None:
        raise LabError(f"dataset '{name}' has pictures of any size: choose one, for example with --set size=224")
    dataset = _load(spec)
    print(f"{dataset.name}: {source.summary}")
    print(f"classes ({len(dataset.classes)}): {', '.join(dataset.classes[:20])}{', ...' * (len(dataset.classes) > 20)}")
    print(f"image: {'x'.join(map(str, dataset.shape))}")
    print(f"normalised with the mean {_numbers(dataset.mean)} and the standard deviation {_numbers(dataset.std)}")
    for split, size, *_ in splits(dataset):
        print(f"{split}: {size} pictures")
    if plot is not None:
        from ..data.plot import grid

        grid(dataset, spec.augment, count, seed, plot)
        print(f"{plot}: {min(count, len(dataset.train))} pictures, each before (above) and after augmentation (below)")


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.4f}" for value in values)


def _register(file: Path | None) -> None:
    from ..specs import plugins

    if file is not None:
        plugins.load_file(file, ("--from", 0), "dataset")


def _source(name: str) -> Source:
    from ..data import DATASETS

    source: Source = DATASETS.get(name)
    return source


def _spec(name: str, settings: list[str] | None) -> DataSpec:
    """The `data` of an experiment with these settings."""
    from pydantic import ValidationError

    from ..specs.data import DataSpec
    from ..specs.explain import explain
    from ..specs.settings import parse
    from ..specs.yamlfile import Document

    values: dict[str, Any] = {"name": name}
    for setting in settings or []:
        key, value = parse(setting, example="size=64")
        values[key] = value
    try:
        return DataSpec.model_validate(values)
    except ValidationError as error:
        told = explain(error, Document(values, "--set"))
        raise LabError(f"--set: {told.message}") from None


def _load(spec: DataSpec) -> Dataset:
    from ..data import load

    return load(spec.name, size=spec.size, channels=spec.channels, validation=spec.validation, options=spec.options)
