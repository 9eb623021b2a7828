"""The Python face: what the command line offers, as functions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .base.errors import LabError
from .network.graph import Graph, Shape
from .specs.variant import Variant, load

if TYPE_CHECKING:
    import pandas as pd

    from .training.prediction import Evaluation
    from .weights.export import Exported
    from .weights.pretrained import Pretrained


def variant(name: str) -> Variant:
    """The validated spec of a variant, by name (`resnet50`) or path.

    Raises:
        LabError: there is none, or it is wrong; with file and line.
    """
    return load(name)


def graph(name: str, input: Shape | None = None, classes: int | None = None) -> Graph:
    """The network of a variant as data.

    Args:
        input: (channels, height, width); the spec's own where None.
        classes: outputs of the head; the spec's own where None.

    Returns:
        a Graph: `.params`, `.macs`, `.depth`, `.layers`, and `.table()`, a DataFrame.

    Raises:
        LabError: as `variant`, or shapes that do not fit.
    """
    return load(name).graph(input, classes)


def build(
    name: str,
    engine: str = "mxnet",
    seed: int = 0,
    input: Shape | None = None,
    classes: int | None = None,
    device: str = "auto",
    weights: str | Path | None = None,
    compile: str | None = None,
    **init: Any,
) -> Any:
    """A variant as the framework's own module, initialised: for MXNet a hybridized gluon.HybridBlock.

    Args:
        weights: a file to take them from, or `gluon`; see `read_weights`.
        compile: as an experiment's `compile`. None is what code of the framework expects: hybridized
            under MXNet, a torch.nn.Module as it is written (one with CUDA graphs overwrites its
            last output at each call, and none that is compiled can be pickled).
        init: settings of `weights.initial`, such as last_scale="zero".

    Raises:
        LabError: as `graph`, or the engine cannot run here.
    """
    from . import engines
    from .network.initial import initial

    if weights is None:
        network = graph(name, input, classes)
        arrays = initial(network, seed, **init)
    elif init:
        raise LabError(f"weights are read, not drawn: '{next(iter(init))}' says nothing of them")
    else:
        net = read_weights(name, weights, input, classes)
        network, arrays = net.graph, net.arrays
    chosen = engines.get(engine)
    model = chosen.build(network, chosen.device(device)[0], compile=compile or chosen.default_compile_mode)
    model.load(arrays)
    return model.network


def read_weights(
    name: str, weights: str | Path, input: Shape | None = None, classes: int | None = None, size: int | None = None
) -> Pretrained:
    """A variant with the weights of a file.

    Args:
        weights: a file of ours (.safetensors), of Gluon (.params) or of PyTorch (.pth, .pt, .th, ...), or
            `gluon`: Gluon-CV's pretrained weights of the net of that name.
        input: (channels, height, width); where None, what the file says, else the spec's own.
        classes: outputs of the head; where None, as many as the file's last layer has.
        size: height and width of the images, in place of what the file says.

    Returns:
        .graph, .arrays (by canonical name, NumPy), and what the file says of classes and normalisation.

    Raises:
        LabError: there is no such variant or file, or the two do not fit.
    """
    from .weights.pretrained import load as load_weights

    net = load_weights(name, weights, input=input, classes=classes, size=size)
    if net.doubt:
        warnings.warn(f"{weights}: {net.doubt}", stacklevel=2)
    return net


def predict(
    name: str,
    images: str | Path | Sequence[str | Path],
    weights: str | Path,
    *,
    labels: str | Path | None = None,
    top: int = 5,
    engine: str = "mxnet",
    device: str = "auto",
    **view: Any,
) -> pd.DataFrame:
    """What a trained variant names on pictures.

    Args:
        images: a file or folder, or several.
        labels: a file of class names, one a line.
        view: `resize`, `crop`, `normalise` (mean and std) and `antialias`, as `inference.view` has them.

    Returns:
        a row for each picture and rank: image, rank (from 1), index, name, probability, problem; a damaged
        picture has one row that says so.

    Raises:
        LabError: there is no such variant, file or picture, or they do not fit.
    """
    import pandas as pd

    from .data.formats import picture
    from .training import prediction as inference

    several = [images] if isinstance(images, (str, Path)) else images
    paths = picture.find([Path(path) for path in several])
    net = read_weights(name, weights, size=view.get("crop"))
    names = inference.class_names(net, Path(labels) if labels else None)
    rows: list[dict[str, Any]] = []
    model = inference.model(net, engine, device)
    for found in inference.predict(model, paths, inference.view(net, **view), names, top):
        image = {"image": str(found.image)}
        rows += [{**image, "rank": rank, **asdict(guess)} for rank, guess in enumerate(found.guesses, 1)]
        if found.problem:
            rows.append({**image, "problem": found.problem})
    return pd.DataFrame(rows, columns=["image", "rank", "index", "name", "probability", "problem"])


def evaluate(
    name: str, weights: str | Path, data: str, *, engine: str = "mxnet", device: str = "auto", **settings: Any
) -> Evaluation:
    """Loss, top-1 and top-5 of a trained variant on a dataset, and a DataFrame with a row for each class.

    Args:
        settings: `split`, `batch_size`, `normalise` (mean and std), `by_dataset` and `options`, as
            `inference.evaluate` has them.

    Raises:
        LabError: there is no such variant, file or dataset, or they do not fit.
    """
    from .training import prediction as inference

    net = read_weights(name, weights)
    return inference.evaluate(inference.model(net, engine, device), net, data, **settings)


def export(
    name: str,
    weights: str | Path,
    to: str,
    path: str | Path,
    *,
    input: Shape | None = None,
    engine: str = "mxnet",
    folded: bool = False,
) -> Exported:
    """Write a trained variant for others, and compare what they make of it; see `exchange.export.export`.

    Args:
        to: `safetensors`, `gluon`, `torch`, `gluon-symbol` or `onnx`.
        folded: batch norms folded into convolutions (`onnx` only).

    Raises:
        LabError: a package is missing, or the two sides do not agree.
    """
    from .weights.export import export as write

    return write(read_weights(name, weights, input), to, Path(path), engine=engine, folded=folded)


def run(
    path: str | Path,
    *,
    results: str | Path = "results",
    settings: Sequence[str] = (),
    device: str | None = None,
    fresh: bool = False,
) -> pd.DataFrame:
    """Run an experiment; trials that are done are not run again.

    Args:
        path: the experiment's file, or its name in `experiments/`.
        results: the folder that holds a folder for each experiment.
        settings: `KEY=VALUE` each, set on top of the file.

    Returns:
        one row a trial.

    Raises:
        LabError: the experiment is wrong, or cannot run here.
    """
    from .specs.experiment import load as load_experiment
    from .sweeps.progress import Silent
    from .sweeps.run import run as run_sweep

    experiment = load_experiment(path, settings)
    return run_sweep(experiment, Path(results) / experiment.name, Silent(), device=device, fresh=fresh)
