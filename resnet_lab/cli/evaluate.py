"""`resnet-lab evaluate`: loss and accuracy of a trained network on a dataset."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from . import options


def command(
    variant: options.Variant,
    data: Annotated[str, typer.Option(help="A dataset's name.")],
    weights: options.Weights = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE: an option of the dataset, such as path=photos; repeatable."),
    ] = None,
    split: Annotated[str, typer.Option(help="The part of the dataset: test or train.")] = "test",
    batch_size: Annotated[int, typer.Option(min=1, help="How many images go through the network together.")] = 128,
    normalise: options.Normalise = None,
    engine: options.EngineName = "mxnet",
    device: options.Device = "auto",
    as_json: options.AsJson = False,
) -> None:
    """Measure loss, top-1 and top-5 on a dataset, in total and for each class.

    Example: `resnet-lab evaluate results/my_idea/trials/0123456789ab --data digits`

    Example: `resnet-lab evaluate cifar_resnet20 --weights net.th --data cifar10-jpeg --normalise imagenet`
    """
    from ..specs.settings import parse
    from ..training import dataset_scores, trained
    from .tables import grid, rounded

    net = options.load(variant, weights)
    by_dataset = normalise == "dataset"
    result = dataset_scores.evaluate(
        trained.model(net, engine, device),
        net,
        data,
        split=split,
        batch_size=batch_size,
        normalise=None if by_dataset else options.normalisation(normalise, net),
        by_dataset=by_dataset,
        options=dict(parse(setting, example="path=photos") for setting in settings or []),
    )
    if as_json:
        scores = {"top1": result.top1, "top5": result.top5, "loss": result.loss, "count": result.count}
        classes = json.loads(result.classes.to_json(orient="records"))
        print(
            json.dumps({"variant": net.variant, "data": data, "split": split, **scores, "classes": classes}, indent=1)
        )
    else:
        texts, numeric = rounded(result.classes)
        grid("", list(texts.columns), texts.itertuples(index=False), numeric)
        print(
            f"{net.variant} on {result.count:,} {split} images of {data}: top-1 {result.top1:.4f}, "
            f"top-5 {result.top5:.4f}, loss {result.loss:.4f} (weights read by {net.how})"
        )
