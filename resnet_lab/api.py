"""The Python face: what the command line offers, as functions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .graph import Graph, Shape
from .variant import Variant, load

if TYPE_CHECKING:
    import pandas as pd


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
    compile: str | None = None,
    **init: Any,
) -> Any:
    """A variant as the framework's own module, initialised: for MXNet a hybridized gluon.HybridBlock.

    Args:
        compile: as an experiment's `compile`. None is what code of the framework expects: hybridized
            under MXNet, a torch.nn.Module as it is written (one with CUDA graphs overwrites its
            last output at each call, and none that is compiled can be pickled).
        init: settings of `weights.initial`, such as last_scale="zero".

    Raises:
        LabError: as `graph`, or the engine cannot run here.
    """
    from . import engines, weights

    network = graph(name, input, classes)
    chosen = engines.get(engine)
    model = chosen.build(network, chosen.device(device)[0], compile=compile or "auto")
    model.load(weights.initial(network, seed, **init))
    return model.block if compile is None else model.network


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
    from .experiment import load as load_experiment
    from .runner.progress import Silent
    from .runner.sweep import run as run_sweep

    experiment = load_experiment(path, settings)
    return run_sweep(experiment, Path(results) / experiment.name, Silent(), device=device, fresh=fresh)


def results(path: str | Path) -> pd.DataFrame:
    """The trials of a results folder, one row each.

    Raises:
        LabError: there are none.
    """
    from .results import read

    return read(path)
