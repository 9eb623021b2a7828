"""Plan the measurements of `resnet-lab bench`: which networks, on which engines, in which modes and batch sizes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ... import engines
from ...base import hardware
from ...base.errors import LabError, unknown
from ...blocks.opaque import check_engine, check_known
from ...network.graph import Graph, Shape
from ...specs.variant import load
from ...training import peers
from ...training.speed import MODES, Setting
from ...training.trial import Place

Batch = int | Literal["max"]


@dataclass(frozen=True)
class Network:
    """A network that is measured.

    Attributes:
        name: the name in the table: the variant's, or `LIBRARY:VARIANT` for a network of another library.
        variant: our name of the network.
        graph: our network, as JSON values.
        peer: the library whose network of this name is measured; '' for ours.
    """

    name: str
    variant: str
    graph: list[dict[str, Any]]
    peer: str = ""


@dataclass(frozen=True)
class Job:
    """The measurements of one process: one engine, device, precision and compile mode.

    Attributes:
        networks: the networks; that of another library follows ours of the same name.
        engine: the name of the engine.
        place: the device, the compile mode and the threads.
        precision: the precision of computation.
        tasks: the modes and batch sizes.
    """

    networks: tuple[Network, ...]
    engine: str
    place: Place
    precision: str
    tasks: tuple[tuple[str, Batch], ...]

    def baseline(self, place: int) -> int:
        """The place of the network with which that at `place` is compared: ours of its name, or else the first."""
        return place - 1 if self.networks[place].peer else 0

    def setting(self, mode: str, batch: int) -> Setting:
        """The setting of a task."""
        return Setting(self.engine, self.place, self.precision, mode, batch)


def plan(
    variants: Sequence[str],
    *,
    engine: Sequence[str] = ("auto",),
    device: Sequence[str] = ("auto",),
    precision: Sequence[str] = ("float32",),
    compile: Sequence[str] = ("auto",),
    mode: Sequence[str] = ("train",),
    batch_size: Sequence[Batch] = (32,),
    input: Shape | None = None,
    peer: str | None = None,
    threads: int | None = None,
) -> list[Job]:
    """Plan the measurements of all combinations.

    Args:
        variants: names or paths of stage specs; the first is the baseline.
        engine, device, precision, compile, mode, batch_size: the values to combine.
        input: (channels, height, width); if None, each spec's own.
        peer: a library whose networks of the same names are measured beside ours.
        threads: CPU threads; if None, what OMP_NUM_THREADS says, else one for each core.

    Raises:
        LabError: a variant, an engine, a mode or a value does not exist, or cannot work here.
    """
    for name in mode:
        if name not in MODES:
            raise LabError(unknown("mode", name, MODES))
    for size in batch_size:
        if size != "max" and size < 1:
            raise LabError(f"a batch size is a whole number from 1, or max, not {size}")
    graphs = {name: load(name).graph(input) for name in variants}
    networks = [network for name in variants for network in _networks(name, graphs[name], peer)]
    if peer:
        engine = _engine_of(peer, engine)
    tasks = tuple(itertools.product(mode, batch_size))
    jobs: list[Job] = []
    count = threads or hardware.threads_in_use()
    for name, on, kind, how in itertools.product(engine, device, precision, compile):
        chosen = engines.get(name)
        problem = chosen.problem()
        if problem:
            raise LabError(f"the engine '{chosen.name}' cannot run here: {problem}")
        chosen.use_threads(count)
        used, _ = chosen.device(on)
        if "," in used:
            raise LabError(f"bench measures on one device, not on '{used}'")
        chosen.check_precision(kind, used)
        for graph in graphs.values():
            check_engine(graph, chosen.name, kind)
            check_known(graph)
        place = Place(used, chosen.compiling(how, used)[0], count)
        jobs.append(Job(tuple(networks), chosen.name, place, kind, tasks))
    return jobs


def _networks(name: str, graph: Graph, peer: str | None) -> Iterator[Network]:
    yield Network(name, name, graph.to_json())
    if peer:
        peers.their_name(peer, name)
        yield Network(f"{peer}:{name}", name, graph.to_json(), peer)


def _engine_of(peer: str, wanted: Sequence[str]) -> list[str]:
    """The engine that runs the networks of a library.

    Raises:
        LabError: other engines are asked for.
    """
    own = peers.PEERS[peer]
    if set(wanted) - {"auto", own}:
        raise LabError(f"the networks of {peer} run on the engine '{own}' only")
    return [own]
