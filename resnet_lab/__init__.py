"""resnet-lab finds out whether an idea about residual networks is any good.

This module is the public Python face; `resnet-lab --help` and README.md show the command line. A name is imported when
it is first used: `import resnet_lab` loads no framework, no pandas and no NumPy.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from . import results as _results_room  # before `results` below: a later first import would hide the function

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from .base.errors import LabError
    from .blocks import block
    from .blocks.stems import stem
    from .engines.modules import module_block
    from .results.functions import compare, edf, report, verdicts
    from .sweeps.bench.functions import bench, calibrate, predict_cost
    from .sweeps.functions import run, status, try_block
    from .training.functions import build, evaluate, export, graph, predict, read_weights, variant

__version__ = "0.1.0"
__all__ = [
    "LabError",
    "bench",
    "block",
    "build",
    "calibrate",
    "compare",
    "edf",
    "evaluate",
    "export",
    "graph",
    "module_block",
    "predict",
    "predict_cost",
    "read_weights",
    "report",
    "results",
    "run",
    "status",
    "stem",
    "try_block",
    "variant",
    "verdicts",
]

_NAMES = {
    "base.errors": "LabError",
    "blocks": "block",
    "blocks.stems": "stem",
    "engines.modules": "module_block",
    "results.functions": "compare edf report verdicts",
    "sweeps.bench.functions": "bench calibrate predict_cost",
    "sweeps.functions": "run status try_block",
    "training.functions": "build evaluate export graph predict read_weights variant",
}
"""The public names of each module."""

_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}


class _MXNetFinder:
    """Lets MXNet and Gluon-CV be imported on a Python or beside a NumPy that is too new for them.

    engines/mxnet/compat.py says how; it is imported with the first of these packages. No other import is changed.
    """

    @staticmethod
    def find_spec(name: str, path: Any, target: Any = None) -> Any:
        """Find a module of these packages; None for every other module."""
        if name.partition(".")[0] not in ("mxnet", "gluoncv", "autocfg"):
            return None
        from .engines.mxnet import compat

        return compat.find_spec(name, path, target)


sys.meta_path.insert(0, _MXNetFinder)


def results(path: str | Path, epochs: bool = False) -> pd.DataFrame:
    """Read the trials of a results folder, or their epochs.

    Args:
        path: the folder, or a `trials.csv`.
        epochs: whether to read the epochs of the folder, for curves.

    Returns:
        A DataFrame with one row for each trial, or for each epoch of each trial.

    Raises:
        LabError: There is no results table at this path.
    """
    from .results.store import read, read_epochs

    return read_epochs(path) if epochs else read(path)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


del _results_room
