"""The Python functions for networks: specs, graphs, and the modules, predictions and files that are made of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.errors import LabError
from ..network.graph import Graph, Shape
from ..specs.variant import Variant, load

if TYPE_CHECKING:
    import pandas as pd

    from ..weights.export import Exported
    from ..weights.pretrained import Pretrained
    from .dataset_scores import Evaluation


def variant(name: str) -> Variant:
    """Load and validate the spec of a variant.

    Args:
        name: The variant's name, such as `resnet50`, or the path of its YAML file.

    Returns:
        The variant: `.name`, `.spec` (the validated stage spec) and `.graph(input, classes)`.

    Raises:
        LabError: There is no such variant, or its spec is wrong; the message names file and line.
    """
    return load(name)


def graph(
    name: str, input: Shape | None = None, classes: int | None = None, overrides: Mapping[str, Any] | None = None
) -> Graph:
    """Make the network of a variant as data, without any framework.

    Args:
        name: The variant's name, or the path of its YAML file.
        input: (channels, height, width); the spec's own if None.
        classes: Outputs of the head; the spec's own if None.
        overrides: Dotted keys and values that change the spec, such as `{"every_stage.stride_on": "3x3"}`.

    Returns:
        A Graph: `.params`, `.macs`, `.depth`, `.layers`, and `.table()`, a DataFrame with one row for each layer.

    Raises:
        LabError: There is no such variant, its spec is wrong, or shapes do not fit; the message names file and line.
    """
    return load(name, overrides).graph(input, classes)


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
    """Build a variant as the framework's own module, with initialised or trained weights.

    Args:
        name: The variant's name, or the path of its YAML file.
        engine: `mxnet` or `torch`.
        seed: The seed of the initial weights; both engines start from the same values.
        input: (channels, height, width); the spec's own if None.
        classes: Outputs of the head; the spec's own if None.
        device: `auto`, `cpu`, `gpu` or `gpu:N`.
        weights: A weights file, or `gluon`, instead of initial weights; as for `read_weights`.
        compile: A compile mode of the engine, as in an experiment. If None, the mode that code of the framework
            expects: hybridized under MXNet, not compiled under PyTorch (a compiled module cannot be pickled, and with
            CUDA graphs it overwrites its last output at each call).
        init: Settings of the initial weights, as in an experiment's `train.init`, such as `last_scale="zero"`.

    Returns:
        A gluon.HybridBlock or a torch.nn.Module.

    Raises:
        LabError: As `graph`; or the engine cannot run here, or the weights do not fit.
    """
    from .. import engines
    from ..network.initial import initial

    if weights is None:
        network = graph(name, input, classes)
        arrays = initial(network, seed, **init)
    elif init:
        raise LabError(f"'{next(iter(init))}' is a setting of initial weights; it has no effect on weights from a file")
    else:
        net = read_weights(name, weights, input, classes)
        network, arrays = net.graph, net.arrays
    chosen = engines.get(engine)
    model = chosen.build(network, chosen.device(device)[0], compile=compile or chosen.default_compile_mode)
    model.load(arrays)
    return model.network


def read_weights(
    name: str,
    weights: str | Path | None = None,
    input: Shape | None = None,
    classes: int | None = None,
    size: int | None = None,
) -> Pretrained:
    """Load a variant with the weights of a file.

    Args:
        name: The variant's name, the path of its YAML file, or the folder of a trial.
        weights: A file of safetensors, of Gluon (.params) or of PyTorch (.pth, .pt, .th, ...), which is also looked for
            in $RESNET_LAB_DATA; or `gluon`: Gluon-CV's pretrained weights of the network of the same name. None takes
            the weights of the trial.
        input: (channels, height, width). If None, the shape that the file states, else the spec's own.
        classes: Outputs of the head. If None, as many as the file's last layer has.
        size: Height and width of the images instead of those that the file states.

    Returns:
        The network (`.graph`), its arrays by canonical name (`.arrays`), and what the file states about the classes
        (`.classes`) and the normalisation (`.mean`, `.std`) of the images.

    Raises:
        LabError: There is no such variant or file, or the two do not fit.
    """
    from ..weights.pretrained import load as load_weights

    net = load_weights(name, weights, input=input, classes=classes, size=size)
    if net.doubt:
        warnings.warn(f"{weights or name}: {net.doubt}", stacklevel=2)
    return net


def predict(
    name: str,
    images: str | Path | Sequence[str | Path],
    weights: str | Path | None = None,
    *,
    labels: str | Path | None = None,
    top: int = 5,
    engine: str = "mxnet",
    device: str = "auto",
    **view: Any,
) -> pd.DataFrame:
    """Predict the likeliest classes of pictures.

    Args:
        name: The variant's name, the path of its YAML file, or the folder of a trial.
        images: A picture or a folder of pictures, or a list of them.
        weights: As for `read_weights`.
        labels: A text file with one class name in each line.
        top: How many classes to give for each picture.
        engine: `mxnet` or `torch`.
        device: `auto`, `cpu`, `gpu` or `gpu:N`.
        view: How pictures become inputs: `resize` and `crop` (pixels), `normalise` (mean and standard deviation of each
            channel) and `antialias`. What is left out follows the weights file.

    Returns:
        A DataFrame with one row for each picture and rank: image, rank (from 1), index, name, probability, problem. A
        damaged picture has one row, whose `problem` says what is wrong.

    Raises:
        LabError: There is no such variant, file or picture, or they do not fit.
    """
    import pandas as pd

    from ..data.formats import picture
    from . import prediction as inference
    from . import trained

    listed = [images] if isinstance(images, (str, Path)) else images
    paths = picture.find([Path(path) for path in listed])
    net = read_weights(name, weights, size=view.get("crop"))
    names = inference.class_names(net, Path(labels) if labels else None)
    rows: list[dict[str, Any]] = []
    model = trained.model(net, engine, device)
    for prediction in inference.predict(model, paths, inference.view(net, **view), names, top):
        image = {"image": str(prediction.image)}
        rows += [{**image, "rank": rank, **asdict(guess)} for rank, guess in enumerate(prediction.guesses, 1)]
        if prediction.problem:
            rows.append({**image, "problem": prediction.problem})
    return pd.DataFrame(rows, columns=["image", "rank", "index", "name", "probability", "problem"])


def evaluate(
    name: str, weights: str | Path | None, data: str, *, engine: str = "mxnet", device: str = "auto", **settings: Any
) -> Evaluation:
    """Measure the loss and the accuracy of a trained variant on a dataset.

    Args:
        name: The variant's name, the path of its YAML file, or the folder of a trial.
        weights: As for `read_weights`; None for the folder of a trial.
        data: The dataset's name.
        engine: `mxnet` or `torch`.
        device: `auto`, `cpu`, `gpu` or `gpu:N`.
        settings: `split` (`test` or `train`), `batch_size`, `normalise` (mean and standard deviation of each channel),
            `by_dataset` (normalise as the dataset states) and `options` (the dataset's options, a mapping).

    Returns:
        `.loss`, `.top1`, `.top5`, `.count`, and `.classes`, a DataFrame with one row for each class.

    Raises:
        LabError: There is no such variant, file or dataset, or they do not fit.
    """
    from . import dataset_scores, trained

    net = read_weights(name, weights)
    return dataset_scores.evaluate(trained.model(net, engine, device), net, data, **settings)


def export(
    name: str,
    weights: str | Path | None,
    to: str,
    path: str | Path,
    *,
    input: Shape | None = None,
    engine: str = "mxnet",
    folded: bool = False,
) -> Exported:
    """Write trained weights for another program, read them back there, and compare the logits.

    Args:
        name: The variant's name, the path of its YAML file, or the folder of a trial.
        weights: As for `read_weights`; None for the folder of a trial.
        to: The format; `resnet-lab export --help` lists the formats.
        path: The file; its suffix is added where it is missing.
        input: (channels, height, width). If None, the shape that the weights file states, else the spec's own.
        engine: The engine whose logits are compared with the other program's.
        folded: Fold batch norms into the convolutions before them (onnx only).

    Returns:
        `.paths` (the files), `.reader` (the program that read them) and `.difference` (the largest difference of
        logits, relative to the largest logit).

    Raises:
        LabError: A package is missing, the file cannot be written, or the logits differ.
    """
    from ..weights.export import export as write

    return write(read_weights(name, weights, input), to, Path(path), engine=engine, folded=folded)
