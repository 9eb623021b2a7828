"""Engines: each lowers a Graph to one framework, and runs it.

An engine's module imports its framework when a model is built, never before; nothing else in the
package imports a framework. `contract` holds what an engine promises.
"""

from __future__ import annotations

import importlib

from ..base.errors import LabError, unknown
from .contract import Engine

_MODULES = {"mxnet": "resnet_lab.engines.mxnet", "torch": "resnet_lab.engines.torch"}


def names() -> list[str]:
    """Every engine there is, whether it can run here or not."""
    return list(_MODULES)


def get(name: str) -> Engine:
    """The engine of that name.

    Raises:
        LabError: there is none.
    """
    if name not in _MODULES:
        raise LabError(unknown("engine", name, _MODULES))
    engine: Engine = importlib.import_module(_MODULES[name]).ENGINE
    return engine
