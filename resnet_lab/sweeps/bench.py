"""Plan and take the measurements of `resnet-lab bench`: each engine in a process of its own, networks in turns."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal

from .. import engines
from ..base import child_process, hardware
from ..base.errors import LabError, unknown
from ..base.other_load import BUSY
from ..blocks.opaque import check_engine, check_known
from ..network.graph import Graph, Shape, show
from ..results.speed_verdict import WIDE, judge
from ..specs.variant import load
from ..training import peers
from ..training.provenance import now, where
from ..training.speed import MODES, Setting
from ..training.trial import Place

Batch = int | Literal["max"]
Row = dict[str, Any]
Ask = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Gives an order to the measuring process, and returns its answer (bench_worker.py)."""


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
        networks: the networks; the first is the baseline of the others.
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


def run(jobs: Sequence[Job], tell: Callable[[str], None] = lambda line: None) -> Iterator[Row]:
    """Take the measurements of jobs, each in a fresh process; yields a row for each network of each task."""
    for job in jobs:
        with _process(job) as ask:
            yield from rows(job, ask, tell)


def rows(job: Job, ask: Ask, tell: Callable[[str], None] = lambda line: None) -> Iterator[Row]:
    """Take the measurements of one job.

    Args:
        job: the job.
        ask: gives an order to the measuring process.
        tell: called with a line about each row, for people who wait.

    Raises:
        LabError: a network cannot be made, or the engine refuses it.
    """
    peak = _asked(ask, job, "peak", [job.networks[0]], [job.setting("infer", 1)]).get("flops_per_s")
    latency: dict[str, float] = {}
    for mode, batch in job.tasks:
        for row in _Task(job, mode, batch, ask, latency).rows():
            flops = row.pop("flops_per_s", None)
            if peak and flops:
                row["utilisation"] = flops / peak
            row["matrix_peak_tflops"] = peak and peak / 1e12
            tell(_line(row))
            yield row


class _Task:
    """The rows of one mode and batch size."""

    def __init__(self, job: Job, mode: str, batch: Batch, ask: Ask, latency: dict[str, float]) -> None:
        self.job, self.mode, self.batch, self._ask, self._latency = job, mode, batch, ask, latency

    def rows(self) -> list[Row]:
        """Measure every network alone, then each with the baseline in turns; one row for each network."""
        compared = self.batch != "max" and len(self.job.networks) > 1
        rows = [self._alone(network, timed=not compared) for network in self.job.networks]
        baseline, base = self.job.networks[0], rows[0]
        for network, row in zip(self.job.networks[1:], rows[1:], strict=True) if compared else ():
            if base["status"] == row["status"] == "ok":
                self._compare(baseline, base, network, row)
        for network, row in zip(self.job.networks, rows, strict=True):
            if row["status"] == "ok" and "ms" not in row:
                row |= {**self._alone(network, timed=True), "notes": row["notes"]}
        return [_with_notes(row) for row in rows]

    def _alone(self, network: Network, *, timed: bool) -> Row:
        """Measure a network alone; at first search its largest batch if that is asked for."""
        job, started = self.job, now()
        row: Row = {"variant": network.name, "engine": job.engine, "precision": job.precision, "mode": self.mode}
        row |= {"batch": self.batch, "input": show(Graph.from_json(network.graph).input), "notes": []}
        size = self.batch
        if size == "max":
            found = _asked(self._ask, job, "largest", [network], [job.setting(self.mode, 1)])
            size = found.get("batch", 0)
            if not size:
                return row | {"status": "out_of_memory", "reason": found.get("reason") or found["why"]}
            row |= {"batch": size, "notes": [f"the largest batch of a search: {found['why']}"]}
        settings = [job.setting(self.mode, size)]
        wanted = network.name not in self._latency
        answer = _asked(self._ask, job, "alone", [network], settings, timed=timed, latency=wanted)
        if "latency_ms" in answer:
            self._latency[network.name] = answer["latency_ms"]
        if answer["status"] == "ok":
            answer["latency_ms"] = self._latency[network.name]
        row["notes"] += [warning] if (warning := answer.pop("warning", "")) else []
        revision, packages = hardware.revision(), engines.get(job.engine).packages
        return row | {"reason": ""} | answer | _where(job.place, revision, packages, started)

    def _compare(self, baseline: Network, base: Row, network: Network, row: Row) -> None:
        """Time a network and the baseline in turns; both rows get their times, and the network's the verdict."""
        settings = [self.job.setting(self.mode, row["batch"])] * 2
        answer = _asked(self._ask, self.job, "turns", [baseline, network], settings)
        if answer["status"] != "ok":
            row["notes"].append(f"not compared with {baseline.name}: {answer['reason']}")
            return
        first, second = answer["rows"]
        if "ms" not in base:  # the baseline's row has the times of its first turns
            base |= first
        found = judge(*answer["seconds"])
        row |= second | {"baseline": baseline.name, "ratio": found.ratio, "ratio_low": found.low}
        row |= {"ratio_high": found.high, "turns": found.turns, "verdict": found.word, "why": found.reason}


def _where(place: Place, revision: str, packages: Sequence[str], started: str) -> Row:
    found = where(place, revision, packages, started)
    del found["other_load"]  # measured in the process that measures
    return found


def _with_notes(row: Row) -> Row:
    """Turn what disturbed a measurement into notes, and the notes into text."""
    notes = row["notes"]
    if row.get("other_load", 0) > BUSY:
        notes.append(f"the machine was not idle: other programs used {row['other_load']:.1f} cores")
    if row.get("throttled"):
        notes.append("heat or a limit of power lowered the clock of the device")
    if row.get("spread", 0) > WIDE:
        notes.append(f"the times scatter: their quartiles lie {row['spread']:.0%} apart")
    if row.get("settled") is False:
        notes.append("the times had not settled when the warm-up ended")
    return row | {"notes": "; ".join(notes)}


def _line(row: Row) -> str:
    found = f"{row['images_per_s']:.1f} images/s" if row["status"] == "ok" else f"{row['status']}: {row['reason']}"
    return f"{row['variant']}, {row['engine']}, {row['mode']}, batch {row['batch']}: {found}"


def _asked(
    ask: Ask, job: Job, kind: str, networks: Sequence[Network], settings: Sequence[Setting], **more: Any
) -> dict[str, Any]:
    """Give an order.

    Raises:
        LabError: a network cannot be made, or the engine refuses it.
    """
    order = {"kind": kind, "networks": [asdict(network) for network in networks], **more}
    answer = ask({**order, "settings": [asdict(setting) for setting in settings]})
    if "problem" in answer:
        raise LabError(answer["problem"])
    return answer


@contextmanager
def _process(job: Job) -> Iterator[Ask]:
    """A process that carries out orders; one that dies answers that it died, and the next order starts another."""
    processes: list[Any] = []

    def ask(order: Mapping[str, Any]) -> dict[str, Any]:
        if not processes or processes[-1].poll() is not None:
            threads = {"OMP_NUM_THREADS": str(job.place.threads)}
            processes.append(child_process.launch("resnet_lab.sweeps.bench_worker", threads))
        child_process.send(processes[-1], order)
        line = processes[-1].stdout.readline()
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        status = processes[-1].wait()
        if status == -9:
            return {"status": "out_of_memory", "reason": "the system ended the process, as it does when memory is full"}
        return {"status": "failed", "reason": f"the process that measured ended with status {status}"}

    try:
        yield ask
    finally:
        for process in processes:
            process.kill()
            process.wait()
