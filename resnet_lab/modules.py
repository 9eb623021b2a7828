"""Registering blocks that people already have: a Gluon HybridBlock or a PyTorch nn.Module, as it is."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from . import engines
from .blocks import BLOCKS, Block
from .errors import LabError, unknown
from .graph import Shape, Tensor, show
from .opaque import FACTORIES, OP, Factory, ModuleFacts
from .shortcuts import Shortcut

_BASES = {"mxnet.gluon.block.HybridBlock": "mxnet", "torch.nn.modules.module.Module": "torch"}
_GIVEN = ("in_channels", "channels", "stride")

Maker = TypeVar("Maker", bound=Callable[..., Any])


@dataclass(frozen=True)
class ModuleBlock(Block):
    """A block of one engine: a whole residual block, its shortcut included."""

    engine: str = ""
    asked: Callable[..., ModuleFacts] = field(default=lambda: ModuleFacts((), {}), compare=False)

    def apply(self, x: Tensor, channels: int, stride: int, shortcut: Shortcut, **options: object) -> Tensor:
        """One `opaque` node; its output and arrays are asked from the framework."""
        arguments = {"in_channels": x.channels, "channels": channels, "stride": stride, **options}
        facts = self.asked(x.shape, json.dumps(arguments, sort_keys=True))
        factory = FACTORIES[self.name]
        return x.builder.emit(
            OP,
            (x,),
            output=facts.output,
            attrs={
                "block": self.name,
                "engine": self.engine,
                "arguments": arguments,
                "digest": factory.digest,
                "_home": self.home,
            },
            params=facts.params,
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
        factory = Factory(name, which, function, tuple(parameters), _digest(function))
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


def _digest(function: Callable[..., Any]) -> str:
    """Of the file that the code is in, for what it calls may be there too; of its name where there is no file."""
    try:
        code = Path(inspect.getfile(function)).read_bytes()
    except (TypeError, OSError):
        code = f"{function.__module__}.{_title(function)}".encode()
    return hashlib.sha256(code).hexdigest()[:16]


def _asking(factory: Factory) -> Callable[..., ModuleFacts]:
    """What the framework says of the module for a place; the same place is asked for once."""

    @cache
    def ask(shape: Shape, arguments: str) -> ModuleFacts:
        engine = engines.get(factory.engine)
        problem = engine.problem()
        if problem:
            raise LabError(f"block '{factory.block}' is a module of the engine '{factory.engine}': {problem}")
        module = factory(json.loads(arguments))
        try:
            return engine.module_facts(module, shape)
        except LabError:
            raise
        except Exception as error:
            told = str(error).strip().rpartition("\n")[2]
            raise LabError(f"block '{factory.block}' fails on {show(shape)}: {type(error).__name__}: {told}") from None

    return ask
