"""Take the measurements of `resnet-lab bench`: each job in a process of its own, and networks in turns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from ... import engines
from ...base import child_process, hardware
from ...base.errors import LabError
from ...base.other_load import BUSY
from ...network.graph import Graph, show
from ...results.speed_verdict import WIDE, judge
from ...training.provenance import now, where
from ...training.speed import Setting
from ...training.trial import Place
from .plan import Batch, Job, Network

Row = dict[str, Any]
Ask = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Gives an order to the measuring process, and returns its answer (worker.py)."""


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
        """Measure every network alone, then each with its baseline in turns; one row for each network."""
        networks, compared = self.job.networks, self.batch != "max" and len(self.job.networks) > 1
        rows = [self._alone(network, timed=not compared) for network in networks]
        for place in range(1, len(networks)) if compared else ():
            base = self.job.baseline(place)
            if rows[base]["status"] == rows[place]["status"] == "ok":
                self._compare(networks[base], rows[base], networks[place], rows[place])
        for network, row in zip(networks, rows, strict=True):
            if row["status"] == "ok" and "ms" not in row:
                row |= {**self._alone(network, timed=True), "notes": row["notes"]}
        return [_with_notes(row) for row in rows]

    def _alone(self, network: Network, *, timed: bool) -> Row:
        """Measure a network alone; at first search its largest batch if that is asked for."""
        job = self.job
        row: Row = {"variant": network.name, "engine": job.engine, "precision": job.precision, "mode": self.mode}
        row |= {"batch": self.batch, "input": show(Graph.from_json(network.graph).input), "notes": []}
        row |= _where(job.place, hardware.revision(), engines.get(job.engine).packages, now())
        size = self.batch
        if size == "max":
            found = _asked(self._ask, job, "largest", [network], [job.setting(self.mode, 1)])
            size = found.get("batch", 0)
            if not size:
                failed = found if found["status"] != "ok" else {"status": "out_of_memory", "reason": found["why"]}
                return row | failed
            row |= {"batch": size, "notes": [f"the largest batch of a search: {found['why']}"]}
        settings = [job.setting(self.mode, size)]
        wanted = network.name not in self._latency
        answer = _asked(self._ask, job, "alone", [network], settings, timed=timed, latency=wanted)
        if "latency_ms" in answer:
            self._latency[network.name] = answer["latency_ms"]
        if answer["status"] == "ok":
            answer["latency_ms"] = self._latency[network.name]
        row["notes"] += [warning] if (warning := answer.pop("warning", "")) else []
        if fallback := answer.pop("fallback", ""):
            row["notes"].append(f"compile '{job.place.compile}' could not be used: {fallback}")
        return row | {"reason": ""} | answer

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
            processes.append(child_process.launch("resnet_lab.sweeps.bench.worker", threads))
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
