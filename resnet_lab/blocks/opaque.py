"""Blocks that are modules of one framework: how a graph holds them, and how an engine makes them again.

Such a block is one node of op `opaque`, whose attributes say which factory makes it, with which
arguments; the factory itself is code, and is found by name in `FACTORIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..base import entry_points
from ..base.errors import LabError
from ..network.graph import Graph, Node, Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

OP = "opaque"


@dataclass(frozen=True)
class Factory:
    """What makes a module: a class or a function of in_channels, channels, stride (those that it takes) and options."""

    block: str
    engine: str
    function: Callable[..., Any]
    takes: tuple[str, ...]
    digest: str
    """Of its code."""

    def __call__(self, arguments: Mapping[str, Any]) -> Any:
        """The module for a place in a network."""
        try:
            return self.function(**{key: value for key, value in arguments.items() if key in self.takes})
        except LabError:
            raise
        except Exception as error:
            raise LabError(f"block '{self.block}' cannot be made: {type(error).__name__}: {error}") from None


@dataclass(frozen=True)
class ModuleFacts:
    """What a framework says of a module: its output without the batch, and its arrays by the framework's names.

    Each array comes with whether training changes it; all are as the module makes them.
    """

    output: Shape
    arrays: dict[str, tuple[NDArray[Any], bool]]


FACTORIES: dict[str, Factory] = {}
"""By the block's name."""


def of(node: Node) -> Any:
    """A new module for a node of op `opaque`.

    Raises:
        LabError: what makes it is not registered in this process, or has changed.
    """
    name = node.attrs["block"]
    if name not in FACTORIES:
        entry_points.load()
    factory = FACTORIES.get(name)
    if factory is None:
        raise LabError(
            f"block '{name}' is not registered in this process: put it into a file that the spec names in 'blocks:'"
        )
    if factory.digest != node.attrs["digest"]:
        raise LabError(f"the code of block '{name}' has changed since the network was built")
    return factory(node.attrs["arguments"])


def homes(graph: Graph) -> list[str]:
    """The files that register the modules of a network; a process that makes them loads these first."""
    return list(dict.fromkeys(node.attrs["_home"] for node in graph.nodes if node.op == OP and node.attrs["_home"]))


def check_known(graph: Graph) -> None:
    """See that another process can make every block.

    Raises:
        LabError: one was registered in this session, by no file.
    """
    for node in graph.nodes:
        if node.op != OP or node.attrs["_home"]:
            continue
        if FACTORIES[node.attrs["block"]].function.__module__ == "__main__":
            raise LabError(
                f"block '{node.attrs['block']}' is known to this session only, and trials run in processes of their "
                "own: put it into a file that the spec names in 'blocks:'"
            )


def check_engine(graph: Graph, engine: str, precision: str = "float32") -> None:
    """See that an engine can run every block.

    Raises:
        LabError: one is a module of another framework, or Gluon's in float16: what of it may be that is not known.
    """
    for node in graph.nodes:
        if node.op == OP and node.attrs["engine"] != engine:
            raise LabError(
                f"block '{node.attrs['block']}' ({node.name}) is a module of the engine '{node.attrs['engine']}'; "
                f"'{engine}' cannot run it"
            )
        if node.op == OP and precision == "float16":
            raise LabError(f"block '{node.attrs['block']}' ({node.name}) is {engine}'s own, and runs in float32 only")
