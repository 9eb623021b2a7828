"""The commands that take trained weights: `predict`, `evaluate` and `export`."""

from __future__ import annotations

import json
import math
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.errors import LabError

if TYPE_CHECKING:
    from ..network.graph import Shape
    from ..weights.pretrained import Numbers, Pretrained

Variant = Annotated[str, typer.Argument(help="The name or path of a stage spec, or the folder of a trial.")]
Weights = Annotated[
    str,
    typer.Option(help="A file (.safetensors, Gluon's .params, PyTorch's .pth, .pt, .th), or 'gluon': Gluon-CV's own."),
]
EngineName = Annotated[str, typer.Option(help="mxnet or torch.")]
Device = Annotated[str, typer.Option(help="auto, cpu, gpu or gpu:N.")]
Normalise = Annotated[
    str | None,
    typer.Option(
        help="imagenet, dataset (evaluate only), or MEAN/STD such as 0.5,0.5,0.5/0.2,0.2,0.2; "
        "what the weights' file states if left out, and where it states nothing imagenet (predict) or dataset."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


class Target(str, Enum):
    """What `export` writes."""

    safetensors = "safetensors"
    gluon = "gluon"
    torch = "torch"
    gluon_symbol = "gluon-symbol"
    onnx = "onnx"


def predict(
    variant: Variant,
    images: Annotated[list[Path], typer.Argument(help="Pictures, or folders of them.")],
    weights: Weights,
    labels: Annotated[Path | None, typer.Option(help="A file of class names, one a line.")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many classes to name.")] = 5,
    resize: Annotated[int | None, typer.Option(min=1, help="What the shorter side becomes: 256 for ImageNet.")] = None,
    crop: Annotated[int | None, typer.Option(min=1, help="The square cut from the centre: 224 for ImageNet.")] = None,
    normalise: Normalise = None,
    antialias: Annotated[
        bool, typer.Option("--antialias", help="Resize as Pillow and torchvision do, not as OpenCV and Gluon-CV.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw each picture with its bars into this file.")] = None,
    engine: EngineName = "mxnet",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Name what is on pictures; a damaged one is reported, and the others are done.

    Exit status: 0 all done, 1 some pictures could not be read, 2 the input is wrong.

    Example: `resnet-lab predict resnet50_v2 photo.jpg --weights gluon`
    """
    from ..data.formats import picture
    from ..training import plots
    from ..training import prediction as inference
    from . import show

    paths = picture.find(images)
    if plot is not None:
        plots.check(plot)
    net = _load(variant, weights, size=crop)
    seen = inference.view(net, resize=resize, crop=crop, normalise=_normalisation(normalise, net), antialias=antialias)
    names = inference.class_names(net, labels)
    found = []
    for prediction in inference.predict(inference.model(net, engine, device), paths, seen, names, top):
        found.append(prediction)
        if prediction.problem:
            print(f"resnet-lab: {prediction.image}: {prediction.problem}", file=sys.stderr)
        elif not as_json:
            show.prediction(prediction)
    if as_json:
        print(json.dumps([inference.as_json(prediction) for prediction in found], indent=1))
    if plot is not None:
        plots.predictions(found, plot)
    if any(prediction.problem for prediction in found):
        raise typer.Exit(1)


def evaluate(
    variant: Variant,
    weights: Weights,
    data: Annotated[str, typer.Option(help="A dataset's name.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE: an option of the dataset, such as path=photos.")
    ] = None,
    split: Annotated[str, typer.Option(help="test or train.")] = "test",
    batch_size: Annotated[int, typer.Option(min=1, help="Images that go through together.")] = 128,
    normalise: Normalise = None,
    engine: EngineName = "mxnet",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Loss, top-1, top-5 and a row for each class, on a dataset.

    Example: `resnet-lab evaluate cifar_resnet20 --weights net.th --data cifar10-jpeg --normalise imagenet`
    """
    from ..training import prediction as inference
    from . import show

    net = _load(variant, weights)
    told = None if normalise == "dataset" else _normalisation(normalise, net)
    result = inference.evaluate(
        inference.model(net, engine, device),
        net,
        data,
        split=split,
        batch_size=batch_size,
        normalise=told,
        by_dataset=normalise == "dataset",
        options=_options(settings),
    )
    if as_json:
        classes = json.loads(result.classes.to_json(orient="records"))
        said = {"top1": result.top1, "top5": result.top5, "loss": result.loss, "count": result.count}
        print(json.dumps({"variant": net.variant, "data": data, "split": split, **said, "classes": classes}, indent=1))
    else:
        show.table(result.classes)
        print(
            f"{net.variant} on {result.count:,} {split} images of {data}: top-1 {result.top1:.4f}, "
            f"top-5 {result.top5:.4f}, loss {result.loss:.4f} (weights read by {net.how})"
        )


def export(
    variant: Variant,
    weights: Weights,
    to: Annotated[Target, typer.Option(help="What to write.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file; its suffix is added where it is missing.")],
    input: Annotated[
        str | None, typer.Option(help="Image shape CxHxW; the weights' or the spec's if left out.")
    ] = None,
    fold: Annotated[
        bool, typer.Option("--fold", help="onnx: take batch norms into the convolutions before them.")
    ] = False,
    engine: EngineName = "mxnet",
) -> None:
    """Write trained weights for others, read them back there, and say how far the outputs differ.

    safetensors: by our names. gluon: a .params that Gluon-CV's class loads. torch: a state dict in
    torchvision's layout. gluon-symbol: a symbol and its params. onnx: opset 17, any batch size.

    Example: `resnet-lab export resnet50_v1b --weights resnet50.pth --to onnx -o resnet50.onnx`
    """
    from ..specs.describe import shape
    from ..weights.export import export as write

    net = _load(variant, weights, shape(input) if input else None)
    done = write(net, to.value, output, engine=engine, folded=fold)
    print(f"wrote {', '.join(map(str, done.paths))} (weights read by {net.how})")
    print(f"{done.reader} and the engine '{engine}' differ by at most {done.difference:.1e} of the largest logit")


def _options(settings: list[str] | None) -> dict[str, object]:
    from ..specs.settings import parse

    return dict(parse(setting, example="path=photos") for setting in settings or [])


def _load(variant: str, weights: str, input: Shape | None = None, size: int | None = None) -> Pretrained:
    from ..weights.pretrained import load

    net = load(variant, weights, input=input, size=size)
    if net.doubt:
        print(f"resnet-lab: {weights}: {net.doubt}", file=sys.stderr)
    return net


def _normalisation(text: str | None, net: Pretrained) -> tuple[Numbers, Numbers] | None:
    """What --normalise means, None where it is left out."""
    from ..data.dataset import IMAGENET_MEAN, IMAGENET_STD

    if text is None:
        return None
    if text == "imagenet":
        return IMAGENET_MEAN, IMAGENET_STD
    mean, _, std = text.partition("/")
    try:
        values = (tuple(map(float, mean.split(","))), tuple(map(float, std.split(","))))
    except ValueError:
        values = ((), ())
    finite = all(math.isfinite(value) for part in values for value in part)
    if not finite or not len(values[0]) == len(values[1]) == net.graph.input[0] or min(values[1]) <= 0:
        raise LabError(
            f"--normalise is imagenet, dataset (with evaluate), or a mean and a deviation above 0 for each of "
            f"{net.graph.input[0]} channel(s), such as 0.5,0.5,0.5/0.2,0.2,0.2, not '{text}'"
        )
    return values
