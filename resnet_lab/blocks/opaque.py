"""Blocks that are a framework's own modules: how a graph holds them, and how an engine makes them.

A graph holds such a block as one node of the op `opaque`. The node's settings name the factory that makes the module,
and the arguments. The factory itself is code, which `FACTORIES` keeps by the block's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from ..base import entry_points
from ..base.errors import LabError
from ..network.graph import Graph, GraphError, Node, Shape
from ..network.replicas import Stack, replicates
from ..network.tensor import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

OP = "opaque"


@dataclass(frozen=True)
class Factory:
    """A class or a function that makes a module.

    Attributes:
        block: the block's name.
        engine: the engine whose framework the module belongs to.
        function: the class, or a function that returns a module.
        takes: the names of the function's parameters: some of in_channels, channels and stride, and options.
        digest: changes when the function's code changes.
    """

    block: str
    engine: str
    function: Callable[..., Any]
    takes: tuple[str, ...]
    digest: str

    def __call__(self, arguments: Mapping[str, Any]) -> Any:
        """Make a module; arguments that the function does not take are left out.

        Raises:
            LabError: The function fails.
        """
        try:
            return self.function(**{key: value for key, value in arguments.items() if key in self.takes})
        except LabError:
            raise
        except Exception as error:
            raise LabError(f"block '{self.block}' cannot be made: {type(error).__name__}: {error}") from None


@dataclass(frozen=True)
class ModuleFacts:
    """What a framework finds out about a module.

    Attributes:
        output: the shape of the module's output, without the batch.
        arrays: the module's arrays by the framework's names, as the module makes them, each with whether training
            changes it.
    """

    output: Shape
    arrays: dict[str, tuple[NDArray[Any], bool]]


FACTORIES: dict[str, Factory] = {}
"""The factories by the names of their blocks."""


def of(node: Node) -> Any:
    """Make the module of a node of the op `opaque`.

    Raises:
        LabError: The block is not registered in this process, or its code has changed.
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
    """List the files that register the modules of a network; a process has to load them before it makes the modules."""
    return list(dict.fromkeys(node.attrs["_home"] for node in graph.nodes if node.op == OP and node.attrs["_home"]))


def check_known(graph: Graph) -> None:
    """Check that another process can make every module of a network.

    Raises:
        LabError: A block was typed into this session, and is in no file.
    """
    for node in graph.nodes:
        if node.op != OP or node.attrs["_home"]:
            continue
        if FACTORIES[node.attrs["block"]].function.__module__ == "__main__":
            raise LabError(
                f"block '{node.attrs['block']}' is known to this session only, and trials run in processes of their "
                "own: put the block into a file that the spec names in 'blocks:'"
            )


def check_engine(graph: Graph, engine: str, precision: str = "float32") -> None:
    """Check that an engine can run every module of a network.

    Raises:
        LabError: A module belongs to another framework, or the precision is float16, which is not supported for a
            framework's own modules.
    """
    for node in graph.nodes:
        if node.op == OP and node.attrs["engine"] != engine:
            raise LabError(
                f"block '{node.attrs['block']}' ({node.name}) is a module of the engine '{node.attrs['engine']}'; "
                f"'{engine}' cannot run it"
            )
        if node.op == OP and precision == "float16":
            raise LabError(f"block '{node.attrs['block']}' ({node.name}) is {engine}'s own, and runs in float32 only")


def check_synchronised(graph: Graph) -> None:
    """Check that several devices can synchronise every batch norm of a network.

    Raises:
        LabError: A block is a framework's own module, which normalises as its code says.
    """
    for node in graph.nodes:
        if node.op == OP:
            raise LabError(
                f"'train.norm: synchronised' cannot reach into block '{node.attrs['block']}' ({node.name}), which is a "
                f"module of {node.attrs['engine']}'s own"
            )


@replicates(OP)
def _refused(stack: Stack, node: Node, inputs: Sequence[Tensor]) -> NoReturn:
    raise GraphError(
        f"{node.name}: block '{node.attrs['block']}' is a module of {node.attrs['engine']}'s own, of which several "
        "replicas cannot be one network"
    )
