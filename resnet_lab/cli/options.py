"""Arguments and options that several commands share, and the functions that read their values."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.errors import LabError

if TYPE_CHECKING:
    from ..network.graph import Shape
    from ..sweeps.executors.slots import Jobs
    from ..weights.pretrained import Numbers, Pretrained

STOPPED = "resnet-lab: stopped; what has finished is kept, and the same command goes on from there"
"""The message on Ctrl-C."""

Variant = Annotated[str, typer.Argument(help="The name or path of a stage spec, or the folder of a trial.")]
Weights = Annotated[
    str | None,
    typer.Option(
        help="A file (.safetensors, Gluon's .params, PyTorch's .pth, .pt, .th), also looked for in $RESNET_LAB_DATA; "
        "or 'gluon' for Gluon-CV's pretrained weights. Not needed for the folder of a trial, which has its own."
    ),
]
EngineName = Annotated[str, typer.Option(help="mxnet, torch, or auto: mxnet if it can run here, else torch.")]
Device = Annotated[str, typer.Option(help="auto, cpu, gpu or gpu:N.")]
Normalise = Annotated[
    str | None,
    typer.Option(
        help="How images are normalised: imagenet, dataset (evaluate only), or MEAN/STD such as "
        "0.5,0.5,0.5/0.2,0.2,0.2. If left out, the values that the weights file states; if it states none, imagenet "
        "(predict) or dataset (evaluate)."
    ),
]
JobsText = Annotated[
    str | None,
    typer.Option(
        "--jobs",
        metavar="N|auto",
        help="How many trials run at once, each with its share of the cores or GPUs; auto: as many as the machine has "
        "cores, or GPUs. One if left out.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def load(variant: str, weights: str | None, input: Shape | None = None, size: int | None = None) -> Pretrained:
    """Load a variant with its weights; a doubt about them becomes a warning on standard error."""
    from ..weights.pretrained import load as load_weights

    net = load_weights(variant, weights, input=input, size=size)
    if net.doubt:
        print(f"resnet-lab: {weights or variant}: {net.doubt}", file=sys.stderr)
    return net


def normalisation(text: str | None, net: Pretrained) -> tuple[Numbers, Numbers] | None:
    """Read the value of --normalise: the mean and the standard deviation, one number a channel.

    Args:
        text: `imagenet` or MEAN/STD; None where the option is left out.
        net: the network, which says how many channels there are.

    Raises:
        LabError: The text is neither, or has values for another number of channels.
    """
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


def seconds(option: str, text: str) -> float:
    """Read the value of an option that takes a time, such as 10m; in seconds.

    Raises:
        LabError: The text is no time.
    """
    from ..specs import quantities

    try:
        return quantities.seconds(text)
    except ValueError as error:
        raise LabError(f"{option}: {error}") from None


def jobs(text: str | None) -> Jobs:
    """Read the value of --jobs: a number from 1, or `auto`; None where the option is left out.

    Raises:
        LabError: The text is neither.
    """
    if text is None:
        return None
    if text == "auto":
        return "auto"
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    raise LabError(f"--jobs is a number from 1, or auto, not '{text}'")
