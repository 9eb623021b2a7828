"""`resnet-lab predict`: the likeliest classes of pictures."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options

if TYPE_CHECKING:
    from ..training.prediction import Prediction


def command(
    variant: options.Variant,
    images: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.")],
    weights: options.Weights = None,
    labels: Annotated[Path | None, typer.Option(help="A text file with one class name in each line.")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many classes to print for each picture.")] = 5,
    resize: Annotated[
        int | None, typer.Option(min=1, help="Resize the shorter side to this many pixels: 256 for ImageNet.")
    ] = None,
    crop: Annotated[
        int | None, typer.Option(min=1, help="Then cut a square of this side from the centre: 224 for ImageNet.")
    ] = None,
    normalise: options.Normalise = None,
    antialias: Annotated[
        bool, typer.Option("--antialias", help="Resize as Pillow and torchvision do, not as OpenCV and Gluon-CV.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw each picture with a bar for each class into this file.")
    ] = None,
    engine: options.EngineName = "mxnet",
    device: options.Device = "auto",
    as_json: options.AsJson = False,
) -> None:
    """Print the likeliest classes of each picture; a damaged picture is reported and the others are still done.

    Exit status: 0 all pictures done, 1 some could not be read, 2 the input is wrong.

    Example: `resnet-lab predict resnet50_v2 photo.jpg --weights gluon`
    """
    from ..base import figures
    from ..data.formats import picture
    from ..training import plots, trained
    from ..training import prediction as inference

    paths = picture.find(images)
    if plot is not None:
        figures.check(plot)
    net = options.load(variant, weights, size=crop)
    mean_std = options.normalisation(normalise, net)
    view = inference.view(net, resize=resize, crop=crop, normalise=mean_std, antialias=antialias)
    names = inference.class_names(net, labels)
    if labels is None and not inference.has_class_names(net):
        print("resnet-lab: the weights do not name the classes; --labels FILE gives them names", file=sys.stderr)
    predictions = []
    for prediction in inference.predict(trained.model(net, engine, device), paths, view, names, top):
        predictions.append(prediction)
        if prediction.problem:
            print(f"resnet-lab: {prediction.image}: {prediction.problem}", file=sys.stderr)
        elif not as_json:
            _show(prediction)
    if as_json:
        print(json.dumps([inference.as_json(prediction) for prediction in predictions], indent=1))
    if plot is not None:
        plots.predictions(predictions, plot)
    if any(prediction.problem for prediction in predictions):
        raise typer.Exit(1)


def _show(prediction: Prediction) -> None:
    print(prediction.image)
    for guess in prediction.guesses:
        print(f"  {guess.probability:7.4f}  {guess.name}")
