"""Registering blocks that people already have: a Gluon HybridBlock or a PyTorch nn.Module, as it is."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .. import engines
from ..base.errors import LabError, unknown
from ..blocks.opaque import FACTORIES, OP, Factory, ModuleFacts
from ..blocks.registry import BLOCKS, Block
from ..blocks.shortcuts import Shortcut
from ..network.graph import Parameter, Shape, show
from ..network.tensor import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BASES = {"mxnet.gluon.block.HybridBlock": "mxnet", "torch.nn.modules.module.Module": "torch"}
_GIVEN = ("in_channels", "channels", "stride")

Params = dict[str, Parameter]
Maker = TypeVar("Maker", bound=Callable[..., Any])


@dataclass(frozen=True)
class ModuleBlock(Block):
    """A block of one engine: a whole residual block, its shortcut included."""

    engine: str = ""
    asked: Callable[[Shape, str], tuple[Shape, Params]] = field(default=lambda shape, text: ((), {}), compare=False)

    def apply(self, x: Tensor, channels: int, stride: int, shortcut: Shortcut, **options: object) -> Tensor:
        """One `opaque` node; its output and arrays are asked from the framework."""
        arguments = {"in_channels": x.channels, "channels": channels, "stride": stride, **options}
        output, params = self.asked(x.shape, json.dumps(arguments, sort_keys=True))
        factory = FACTORIES[self.name]
        return x.builder.emit(
            OP,
            (x,),
            output=output,
            attrs={
                "block": self.name,
                "engine": self.engine,
                "arguments": arguments,
                "digest": factory.digest,
                "_home": self.home,
            },
            params=params,
            macs=None,
            name=self.name.replace(".", "_"),
        )


def module_block(
    name: str, *, expansion: int = 1, engine: str | None = None, replace: bool = False
) -> Callable[[Maker], Maker]:
    """Register a framework's module as the block `name`: the whole block, its shortcut included.

    What is registered is a subclass of gluon.HybridBlock or torch.nn.Module, or a function that
    returns one. It is called with those of in_channels, channels and stride that it takes; its
    further parameters are options that a stage spec may set.

    Args:
        expansion: its output is this many times as wide as the stage's `channels`.
        engine: `mxnet` or `torch`; for a class it is known.
        replace: take the name over, if it is taken; for notebooks.

    Raises:
        LabError: the name is taken, or it is not known which engine's module it is.
    """

    def register(function: Maker) -> Maker:
        which = engine or _engine(name, function)
        if which not in engines.names():
            raise LabError(unknown("engine", which, engines.names()))
        parameters = inspect.signature(function).parameters
        if "channels" not in parameters:
            raise LabError(
                f"block '{name}' is made from in_channels, channels and stride, and {_title(function)} takes "
                f"{', '.join(parameters)}: register a function that takes those and returns the module"
            )
        factory = Factory(name, which, function, tuple(parameters), _digest(name, function))
        entry = ModuleBlock("block", name, function, _GIVEN, expansion=expansion, engine=which, asked=_asking(factory))
        BLOCKS.add(entry, replace)
        FACTORIES[name] = factory
        return function

    return register


def _engine(name: str, function: Callable[..., Any]) -> str:
    bases = inspect.getmro(function) if isinstance(function, type) else ()
    for base in bases:
        known = _BASES.get(f"{base.__module__}.{base.__qualname__}")
        if known:
            return known
    raise LabError(f"block '{name}': {_title(function)} is no gluon.HybridBlock and no torch.nn.Module; say engine=")


def _title(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function))


def _digest(name: str, function: Callable[..., Any]) -> str:
    """Of the code in the file that makes the module, and in the files of its own that this imports; not of comments.

    Raises:
        LabError: it is in no file, so that nothing would tell when it changes.
    """
    try:
        files = _sources(Path(inspect.getfile(function)), set())
    except (TypeError, OSError):
        if function.__module__ == "__main__":  # a session's own; no trial takes it (opaque.check_known)
            return hashlib.sha256(_title(function).encode()).hexdigest()[:16]
        raise LabError(
            f"block '{name}': {_title(function)} is written in no file that could be read: register a class or a "
            "function with a `def` of its own"
        ) from None
    code = [ast.dump(ast.parse(file.read_bytes())) for file in sorted(files)]
    return hashlib.sha256(repr((_title(function), code)).encode()).hexdigest()[:16]


def _sources(file: Path, found: set[Path]) -> set[Path]:
    """A file and those that it imports, without installed packages."""
    found.add(file)
    for node in ast.walk(ast.parse(file.read_bytes())):
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            home: str = getattr(sys.modules.get(name or ""), "__file__", None) or ""
            own = home.endswith(".py") and not _INSTALLED.intersection(Path(home).parts)
            if own and Path(home) not in found and not home.startswith((sys.base_prefix, _PACKAGE)):
                _sources(Path(home), found)
    return found


_INSTALLED = {"site-packages", "dist-packages"}
_PACKAGE = str(Path(__file__).parents[1])


def _asking(factory: Factory) -> Callable[[Shape, str], tuple[Shape, Params]]:
    """What the framework says of the module for a place: its output and parameters; a place is asked for once."""

    @cache
    def ask(shape: Shape, arguments: str) -> tuple[Shape, Params]:
        engine = engines.get(factory.engine)
        problem = engine.problem()
        if problem:
            raise LabError(f"block '{factory.block}' is a module of the engine '{factory.engine}': {problem}")
        first, second = (_facts(factory, engine, shape, arguments) for _ in range(2))
        params = {
            name: _parameter(factory.block, name, values, second.arrays[name][0], trained)
            for name, (values, trained) in first.arrays.items()
        }
        return first.output, {name: parameter for name, parameter in params.items() if parameter is not None}

    return ask


def _facts(factory: Factory, engine: engines.contract.Engine, shape: Shape, arguments: str) -> ModuleFacts:
    module = factory(json.loads(arguments))
    try:
        return engine.module_facts(module, shape)
    except LabError:
        raise
    except Exception as error:
        told = str(error).strip().rpartition("\n")[2]
        raise LabError(f"block '{factory.block}' fails on {show(shape)}: {type(error).__name__}: {told}") from None


def _parameter(block: str, name: str, values: NDArray[Any], again: NDArray[Any], trained: bool) -> Parameter | None:
    """How an array of a module starts, from what two modules made alike have there.

    One value throughout is kept. What differs from one module to the next was drawn: weights of
    several dimensions are drawn by the recipe, others start at zero. Values of its own that are not
    trained (a filter, say) stay the module's affair: None.

    Raises:
        LabError: values of its own that are trained, which no recipe could give back.
    """
    shape = tuple(values.shape)
    if values.size and (values == values.flat[0]).all() and (again == values.flat[0]).all():
        return Parameter(shape, value=float(values.flat[0]), trained=trained)
    if (values == again).all():
        if not trained:
            return None
        raise LabError(f"block '{block}': '{name}' starts with values of its own, which a seed could not draw again")
    if len(shape) == 1:
        return Parameter(shape, trained=trained)
    area = Parameter(shape[2:]).size
    return Parameter(shape, fan=(shape[1] * area, shape[0] * area), trained=trained)
