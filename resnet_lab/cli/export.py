"""`resnet-lab export`: trained weights as a file for another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options


def _formats() -> dict[str, str]:
    """Our own export formats, each with its line of help; the formats of installed packages are not loaded for help."""
    from ..weights.export import FORMATS

    return {name: entry.summary for name, entry in FORMATS.registered.items()}


def command(
    variant: options.Variant,
    to: Annotated[str, typer.Option(metavar="FORMAT", help=f"The format: {', '.join(_formats())}.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file to write; its suffix is added where it is missing.")
    ],
    weights: options.Weights = None,
    input: Annotated[
        str | None, typer.Option(help="Image shape CxHxW; if left out, the weights file's, else the spec's.")
    ] = None,
    fold: Annotated[
        bool, typer.Option("--fold", help="Fold batch norms into the convolutions before them (onnx only).")
    ] = False,
    engine: options.EngineName = "mxnet",
) -> None:
    from ..specs.describe import shape
    from ..weights.export import export

    net = options.load(variant, weights, shape(input) if input else None)
    done = export(net, to, output, engine=engine, folded=fold)
    print(f"wrote {', '.join(map(str, done.paths))} (weights read by {net.how})")
    print(
        f"the logits of {done.reader} and of the engine '{engine}' differ by at most {done.difference:.1e} of the "
        "largest logit"
    )


command.__doc__ = f"""Write trained weights for another program, read them back there, and compare the logits.

{"".join(f"- {name}: {summary}{chr(10)}" for name, summary in _formats().items())}
Example: `resnet-lab export resnet50_v1b --weights resnet50.pth --to onnx -o resnet50.onnx`
"""
