"""Register a framework's own module, a Gluon HybridBlock or a PyTorch nn.Module, as a block."""

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
from ..base.registry import check_name
from ..blocks.opaque import FACTORIES, OP, Factory, ModuleFacts
from ..blocks.registry import BLOCKS, Block
from ..blocks.shortcuts import Shortcut
from ..network.graph import Parameter, Shape, show
from ..network.tensor import Tensor
from ..specs import plugins

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BASES = {"mxnet.gluon.block.HybridBlock": "mxnet", "torch.nn.modules.module.Module": "torch"}
_GIVEN = ("in_channels", "channels", "stride")

Params = dict[str, Parameter]
Maker = TypeVar("Maker", bound=Callable[..., Any])


@dataclass(frozen=True)
class ModuleBlock(Block):
    """A block that is a module of one framework: a whole residual block with its shortcut.

    Attributes:
        engine: the engine of the framework.
        asked: a function that asks the framework for the output shape and the parameters of the module, given the
            input shape and the arguments of the module as JSON.
    """

    engine: str = ""
    asked: Callable[[Shape, str], tuple[Shape, Params]] = field(default=lambda shape, text: ((), {}), compare=False)

    def apply(self, x: Tensor, channels: int, stride: int, shortcut: Shortcut, **options: object) -> Tensor:
        """Add one `opaque` node to the graph; the framework is asked for its output shape and parameters."""
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
    """Register a framework's module as the block `name`; the module includes the shortcut.

    The decorated class is a subclass of gluon.HybridBlock or torch.nn.Module, or a function returns an object of such
    a class. The class or function is called with those of in_channels, channels and stride that its signature names;
    its other parameters are options that a stage spec may set.

    Args:
        expansion: the output has this many times the stage's `channels`.
        engine: `mxnet` or `torch`; needed for a function only.
        replace: replace a block that has the same name; for notebooks.

    Raises:
        LabError: the name is taken, or the engine of the module is not known.
    """
    check_name("module_block", name)

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
    """The digest of a module's code: of the file that defines it, and of the person's files that this file imports.

    Comments do not count. Files of installed packages, of Python and of this package do not count either.

    Raises:
        LabError: the code is in no file, so that a change of the code could not be seen.
    """
    try:
        files = _sources(Path(inspect.getfile(function)), set())
    except (TypeError, OSError):
        if (
            function.__module__ == "__main__"
        ):  # defined in a notebook; a trial refuses such a block (opaque.check_known)
            return hashlib.sha256(_title(function).encode()).hexdigest()[:16]
        raise LabError(
            f"block '{name}': {_title(function)} is written in no file that could be read: register a class or a "
            "function with a `def` of its own"
        ) from None
    code = [ast.dump(ast.parse(file.read_bytes())) for file in sorted(files)]
    return hashlib.sha256(repr((_title(function), code)).encode()).hexdigest()[:16]


def _sources(file: Path, found: set[Path]) -> set[Path]:
    """Add a file, and the person's files that it imports, to `found`."""
    found.add(file)
    for node in ast.walk(ast.parse(file.read_bytes())):
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            home = str(plugins.helper(file, name or "") or getattr(sys.modules.get(name or ""), "__file__", None) or "")
            own = home.endswith(".py") and not _INSTALLED.intersection(Path(home).parts)
            if own and Path(home) not in found and not home.startswith((sys.base_prefix, _PACKAGE)):
                _sources(Path(home), found)
    return found


_INSTALLED = {"site-packages", "dist-packages"}
_PACKAGE = str(Path(__file__).parents[1])


def _asking(factory: Factory) -> Callable[[Shape, str], tuple[Shape, Params]]:
    """A function that asks the framework for a module's output shape and parameters, and keeps every answer."""

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
    """How an array of a module starts, judged by comparing two modules that were made with the same arguments.

    If all elements have one value in both modules, the array starts at this value. If the two modules differ, the array
    was drawn at random: an array with several dimensions is then drawn by the recipe, and a vector starts at zero.

    Args:
        values: the array of the first module.
        again: the array of the second module.
        trained: whether training changes the array.

    Returns:
        The parameter; None for a constant that is not trained, such as a filter, which the module sets itself.

    Raises:
        LabError: the array is a constant that is trained; no seed could draw its values again.
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
