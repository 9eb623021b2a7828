"""The engines by name; an engine lowers a Graph to the modules of one framework, and runs them.

An engine imports its framework only when it is needed, for instance to build a model, and no other part of the package
imports a framework. The module `contract` states what every engine provides.
"""

from __future__ import annotations

import importlib

from ..base import entry_points
from ..base.errors import LabError, unknown
from .contract import Engine

_MODULES = {"mxnet": "resnet_lab.engines.mxnet", "torch": "resnet_lab.engines.torch"}
_ADDED: dict[str, str] = {}
"""The engines of installed packages (entry_points.py), as `_MODULES`; `auto` never means them."""


def add(name: str, module: str) -> None:
    """Add an engine; the plug-in of an installed package calls this function when it is imported.

    Args:
        name: the name by which experiments ask for the engine.
        module: the module whose `ENGINE` keeps the contract; it is imported when the engine is used.
    """
    _ADDED[name] = module


def names() -> list[str]:
    """The names of all engines, including those that cannot run on this machine."""
    return list(_MODULES)


def choose(wanted: str) -> tuple[str, str]:
    """Choose the engine that a name means on this machine.

    Args:
        wanted: the name of an engine, or `auto`: `mxnet` if it can run here, else `torch`.

    Returns:
        The name of the engine, and the reason for the choice. If no engine can run here, `auto` means `mxnet`.

    Raises:
        LabError: no engine has this name.
    """
    if wanted != "auto":
        return get(wanted).name, "asked for"
    problems: list[str] = []
    for name in _MODULES:
        problem = get(name).problem()
        if problem is None:
            return name, "; ".join(problems) or "it can run here"
        problems.append(problem)
    return next(iter(_MODULES)), "; ".join(problems)


def get(name: str) -> Engine:
    """Look up an engine by its name; `auto` means what `choose` says.

    Raises:
        LabError: no engine has this name.
    """
    if name == "auto":
        name = choose(name)[0]
    if name not in _MODULES and name not in _ADDED:
        entry_points.load()
    modules = _ADDED | _MODULES
    if name not in modules:
        raise LabError(unknown("engine", name, modules))
    engine: Engine = importlib.import_module(modules[name]).ENGINE
    return engine
