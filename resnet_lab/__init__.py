"""Architecture-variant research on residual networks; `resnet-lab --help` and README.md show the way in.

The names below are imported when they are first used: `import resnet_lab` loads no framework, no
pandas and no NumPy.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import build, evaluate, export, graph, predict, read_weights, results, run, variant
    from .blocks import block
    from .errors import LabError
    from .modules import module_block
    from .stems import stem

__version__ = "0.1.0"
__all__ = [
    "LabError",
    "block",
    "build",
    "evaluate",
    "export",
    "graph",
    "module_block",
    "predict",
    "read_weights",
    "results",
    "run",
    "stem",
    "variant",
]

_HOMES = {"block": "blocks", "stem": "stems", "LabError": "errors", "module_block": "modules"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f".{_HOMES.get(name, 'api')}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


class _Face(ModuleType):
    """`rl.graph(...)`, `rl.variant(...)` and `rl.results(...)` are functions, though modules of these names exist."""

    def __setattr__(self, name: str, value: Any) -> None:
        # The import of a submodule sets it on its package; where that would hide a function, it may not.
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face
