"""Lets MXNet 1.9.1 and Gluon-CV 0.10.5 run on Python 3.12 and later, and beside NumPy 1.24 and later.

Both packages are pure Python around a compiled library, and the library runs on any Python. Only their Python files use
two things that newer versions no longer have:

- `distutils.version`, which Python 3.12 removed;
- names that NumPy removed, such as `numpy.PZERO` (2.0), `numpy.bool` (1.24 to 1.26) and `ndarray.tostring` (2.3).

`find_spec` therefore loads the modules of these packages, and only those: it gives each of them an `__import__` of its
own, which answers `numpy` with a view of NumPy that has the lost names, and `distutils` with a stand-in. NumPy itself,
`sys.modules` and every other package stay exactly as they are. The finder in resnet_lab/__init__.py asks `find_spec`,
so that a person's file or notebook may import MXNet too, once resnet_lab is imported.
"""

from __future__ import annotations

import builtins
import re
import sys
import types
from collections.abc import Sequence
from functools import cache, total_ordering
from importlib.abc import Loader, SourceLoader
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any, NoReturn

from ...base import hardware

PACKAGES = ("mxnet", "gluoncv", "autocfg")
"""The packages whose modules get the view; autocfg is one that Gluon-CV needs."""

NEWEST_PYTHON = (3, 14)
NEWEST_NUMPY = (2, 5)
"""The newest versions that were tried; later ones are refused by `problem`."""


def problem(python: tuple[int, int], numpy: tuple[int, int]) -> str | None:
    """Why this MXNet cannot be imported on a Python beside a NumPy, each (major, minor); None where it can."""
    if python > NEWEST_PYTHON:
        return (
            f"MXNet 1.9.1 was tried on Python 3.10 to {NEWEST_PYTHON[0]}.{NEWEST_PYTHON[1]}, and this is Python "
            f"{python[0]}.{python[1]}: use one of those"
        )
    if numpy > NEWEST_NUMPY:
        return (
            f"MXNet 1.9.1 was tried beside NumPy 1.23 to {NEWEST_NUMPY[0]}.{NEWEST_NUMPY[1]}, and this is NumPy "
            f"{numpy[0]}.{numpy[1]}: pip install 'numpy<{NEWEST_NUMPY[0]}.{NEWEST_NUMPY[1] + 1}'"
        )
    return None


@cache
def needed() -> bool:
    """Whether Python or NumPy is too new for these packages as they are."""
    return sys.version_info >= (3, 12) or numpy_version() >= (1, 24)


def numpy_version() -> tuple[int, int]:
    """The installed NumPy as (major, minor), without importing it; (0, 0) where there is none."""
    major, minor = (hardware.version("numpy") or "0.0").split(".")[:2]
    return int(major), int(minor)


def find_spec(name: str, path: Sequence[str] | None, target: types.ModuleType | None = None) -> ModuleSpec | None:
    """Find a module of PACKAGES where Python would, and have `_Loader` load it.

    Returns:
        None on Python 3.10 and 3.11 beside NumPy 1.23, where Python imports these packages without help.
    """
    if not needed():
        return None
    spec = PathFinder.find_spec(name, path, target)
    if spec is not None and isinstance(spec.loader, SourceLoader):
        spec.loader = _Loader(spec.loader)
    return spec


class _Loader(Loader):
    """Runs a module's own code, with an `__import__` that answers `numpy` and `distutils` as above."""

    def __init__(self, loader: SourceLoader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:  # what others ask a loader for: get_source, get_data, is_package
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> types.ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        # Python takes the builtins of a module's code, and of every function in it, from its `__builtins__`.
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _import}
        code = self._loader.get_code(module.__name__)
        if module.__name__ in _LOST_METHODS:
            old, new = _LOST_METHODS[module.__name__]
            source = self._loader.get_source(module.__name__) or ""
            code = compile(source.replace(old, new), module.__spec__.origin or "", "exec", dont_inherit=True)  # type: ignore[union-attr]
        assert code is not None
        exec(code, module.__dict__)


_LOST_METHODS = {"mxnet.recordio": (".tostring()", ".tobytes()")}
"""A method of arrays cannot be lent by a view, so its call is replaced; `tobytes` is its name since NumPy 1.9."""


def _import(
    name: str,
    globals: dict[str, Any] | None = None,
    locals: dict[str, Any] | None = None,
    fromlist: Sequence[str] = (),
    level: int = 0,
) -> Any:
    """`__import__` for the modules of PACKAGES."""
    if level == 0 and name.partition(".")[0] == "distutils":
        return _distutils().version if fromlist else _distutils()
    module = builtins.__import__(name, globals, locals, fromlist, level)
    return _numpy() if module is sys.modules.get("numpy") else module


class _View(types.ModuleType):
    """NumPy with the names that it lost; every other name is looked up in NumPy itself."""

    def __getattr__(self, name: str) -> Any:
        import numpy

        return getattr(numpy, name)

    def __dir__(self) -> list[str]:
        import numpy

        return sorted({*dir(numpy), *vars(self)})


@cache
def _numpy() -> types.ModuleType:
    import numpy

    lost: dict[str, Any] = {
        # Removed in NumPy 1.24: other words for Python's own types.
        "bool": bool,
        "int": int,
        "float": float,
        "object": object,
        # Removed in NumPy 2.0: other words for names that stay.
        "PZERO": 0.0,
        "NZERO": -0.0,
        "PINF": numpy.inf,
        "NINF": -numpy.inf,
        "Inf": numpy.inf,
        "NaN": numpy.nan,
        "NAN": numpy.nan,
        "alltrue": numpy.all,
        "sometrue": numpy.any,
        "product": numpy.prod,
        "cumproduct": numpy.cumprod,
        "round_": numpy.round,
        "compat": types.SimpleNamespace(basestring=str),
        "in1d": lambda a, b, assume_unique=False, invert=False: numpy.isin(
            numpy.ravel(a), b, assume_unique=assume_unique, invert=invert
        ),
        "msort": lambda a: numpy.sort(a, axis=0),
        "trapz": getattr(numpy, "trapezoid", None),
        # Removed in NumPy 1.20, for numpy_financial: `mxnet.np` names them when it is imported.
        **{name: _gone(name) for name in ("mirr", "npv", "pmt", "ppmt", "pv", "rate")},
    }
    view = _View("numpy", numpy.__doc__)
    vars(view).update({name: value for name, value in lost.items() if name not in vars(numpy)})
    return view


def _gone(name: str) -> Any:
    """A function that says that NumPy no longer has it."""

    def gone(*args: object, **kwargs: object) -> NoReturn:
        raise NotImplementedError(f"mxnet.np.{name} is NumPy's, and NumPy no longer has it")

    gone.__name__ = name
    return gone


@total_ordering
class _Version:
    """`distutils.version.LooseVersion` as these packages use it: made of a text, and compared."""

    def __init__(self, text: str) -> None:
        self.vstring = text
        self.version = [int(part) if part.isdigit() else part for part in re.findall(r"\d+|[a-z]+", text)]

    def __str__(self) -> str:
        return self.vstring

    def _key(self) -> list[tuple[bool, Any]]:
        return [(isinstance(part, int), part) for part in self.version]  # 2.0rc1 comes before 2.0.1

    def __eq__(self, other: object) -> bool:
        return self._key() == _version(other)._key()

    def __lt__(self, other: object) -> bool:
        return self._key() < _version(other)._key()

    __hash__ = None  # type: ignore[assignment]


def _version(value: object) -> _Version:
    return value if isinstance(value, _Version) else _Version(str(value))


@cache
def _distutils() -> Any:
    return types.SimpleNamespace(version=types.SimpleNamespace(LooseVersion=_Version, StrictVersion=_Version))
