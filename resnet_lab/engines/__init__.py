"""The engines by name; an engine lowers a Graph to the modules of one framework, and runs them.

An engine imports its framework only when it is needed, for instance to build a model, and no other part of the package
imports a framework. The module `contract` states what every engine provides.
"""

from __future__ import annotations

import importlib

from ..base.errors import LabError, unknown
from .contract import Engine

_MODULES = {"mxnet": "resnet_lab.engines.mxnet", "torch": "resnet_lab.engines.torch"}


def names() -> list[str]:
    """The names of all engines, including those that cannot run on this machine."""
    return list(_MODULES)


def get(name: str) -> Engine:
    """Look up an engine by its name.

    Raises:
        LabError: no engine has this name.
    """
    if name not in _MODULES:
        raise LabError(unknown("engine", name, _MODULES))
    engine: Engine = importlib.import_module(_MODULES[name]).ENGINE
    return engine
