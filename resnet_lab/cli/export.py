"""`resnet-lab export`: trained weights as a file for another program."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from . import options


class Target(str, Enum):
    """What `export` writes."""

    safetensors = "safetensors"
    gluon = "gluon"
    torch = "torch"
    gluon_symbol = "gluon-symbol"
    onnx = "onnx"


def command(
    variant: options.Variant,
    weights: options.Weights,
    to: Annotated[Target, typer.Option(help="What to write.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file; its suffix is added where it is missing.")],
    input: Annotated[
        str | None, typer.Option(help="Image shape CxHxW; the weights' or the spec's if left out.")
    ] = None,
    fold: Annotated[
        bool, typer.Option("--fold", help="onnx: take batch norms into the convolutions before them.")
    ] = False,
    engine: options.EngineName = "mxnet",
) -> None:
    """Write trained weights for others, read them back there, and say how far the outputs differ.

    safetensors: by our names. gluon: a .params that Gluon-CV's class loads. torch: a state dict in
    torchvision's layout. gluon-symbol: a symbol and its params. onnx: opset 17, any batch size.

    Example: `resnet-lab export resnet50_v1b --weights resnet50.pth --to onnx -o resnet50.onnx`
    """
    from ..specs.describe import shape
    from ..weights.export import export as write

    net = options.load(variant, weights, shape(input) if input else None)
    done = write(net, to.value, output, engine=engine, folded=fold)
    print(f"wrote {', '.join(map(str, done.paths))} (weights read by {net.how})")
    print(f"{done.reader} and the engine '{engine}' differ by at most {done.difference:.1e} of the largest logit")
