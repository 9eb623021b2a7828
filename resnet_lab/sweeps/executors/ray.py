"""Runs trials on a Ray cluster, with Ray's actors: one actor for each trial that runs at once.

The machines need no file system in common. A trial takes along the package itself, the person's files and its
checkpoint (parcel.py), runs in a temporary folder of its machine (ray_worker.py), and its files come back with its
reports.
"""

from __future__ import annotations

import logging
import os
import socket
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...base import hardware
from ...base.errors import LabError
from ...training.checkpoint import CHECKPOINT
from . import Ended, Event, Executor, Work
from .cluster import Need
from .parcel import keep, own_files, with_whole_paths
from .ray_worker import KEPT, RayWorker

_PATIENCE = 5.0
"""How many seconds the actors have to end their trials and to remove their files."""


@dataclass(frozen=True)
class OnRay:
    """A Ray cluster.

    Attributes:
        address: the address `HOST:PORT` of its head, or `auto` for the cluster to which this machine belongs; None for
            a cluster that is started on this machine and ends with the run, whatever RAY_ADDRESS says.
    """

    address: str | None

    def executor(self, need: Need, folder: Path) -> tuple[Executor, str]:
        """Make the executor; see `Cluster.executor`.

        Raises:
            LabError: Ray is not installed, the cluster cannot be reached, or no machine has what a trial needs.
        """
        ray = _connected(self.address)
        nodes = ray.nodes()
        if need.device == "auto" and any(node["Resources"].get("GPU") for node in nodes):
            need = replace(need, gpus=need.share)
        at_once = fitting(nodes, need)
        if not at_once:
            ray.shutdown()
            gpus = f" and {need.gpus:g} GPU(s)" if need.gpus else ""
            raise LabError(f"no machine of the Ray cluster has the {need.threads} CPU(s){gpus} that a trial needs")
        where = f"the cluster at {self.address}" if self.address else "a cluster of its own on this machine"
        machines = sum(node["Alive"] for node in nodes)
        line = f"ray: {where}, {machines} machine(s), {at_once} trial(s) at once with {need.threads} thread(s) each"
        return Ray(need), line


def _connected(address: str | None) -> Any:
    """Ray's module, connected to the cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else Ray reports each run to its makers
    try:
        import ray
    except ImportError:
        raise LabError("--ray needs Ray: pip install 'resnet-lab[ray]'") from None
    if ray.is_initialized():
        raise LabError("this process is connected to a Ray cluster already: call ray.shutdown() first")
    if address is not None:
        _check_answer(address)
    options: dict[str, Any] = {"namespace": f"resnet-lab-{uuid.uuid4().hex}", "log_to_driver": False}
    try:
        if address is None:
            ray.init(
                "local", num_cpus=hardware.cores(), include_dashboard=False, logging_level=logging.ERROR, **options
            )
        else:
            package = str(Path(__file__).resolve().parents[2])
            ray.init(address, runtime_env={"py_modules": [package]}, logging_level=logging.ERROR, **options)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        raise LabError(f"the Ray cluster at {address or 'this machine'} cannot be used: {lines[0]}") from None
    return ray


def _check_answer(address: str) -> None:
    """Check that a program answers at an address; Ray itself would wait for minutes.

    Raises:
        LabError: The address is none, or nothing answers there.
    """
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise LabError(f"--ray takes HOST:PORT, auto, or nothing, not '{address}'")
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise LabError(f"the Ray cluster at {address} cannot be used: {error}") from None


def fitting(nodes: Sequence[Mapping[str, Any]], need: Need) -> int:
    """How many trials the machines of a cluster can run at once.

    Args:
        nodes: what `ray.nodes()` gives.
        need: what each trial needs.
    """
    total = 0
    for node in nodes:
        if node["Alive"]:
            resources = node["Resources"]
            room = resources.get("CPU", 0) / need.threads
            if need.gpus:
                room = min(room, resources.get("GPU", 0) / need.gpus)
            total += int(room + 1e-9)
    return total


@dataclass
class _Run:
    """A trial, the actor that runs it, Ray's generator of its reports, and whether it has reported anything."""

    work: Work
    actor: Any
    reports: Any
    has_begun: bool = False


class Ray:
    """Actors on the Ray cluster to which this process is connected.

    Args:
        need: what each trial needs.
    """

    def __init__(self, need: Need) -> None:
        self._need = need
        self._runs: list[_Run] = []
        self._idle: list[tuple[str, Any]] = []
        """The engine of the last trial, and the actor, of those that run no trial."""
        self._stored: dict[Path, Any] = {}
        """Ray's reference to the content of each of the person's files."""
        self._is_connected = True

    @property
    def capacity(self) -> int:
        """How many trials can run at once on the machines that the cluster has now."""
        import ray

        return max(1, fitting(ray.nodes(), self._need))

    def start(self, work: Work) -> None:
        """Give the trial to an idle actor, or to a new one; Ray chooses the machine, and the trial waits for it."""
        actor = self._actor(work.trial.engine)
        work = replace(work, place=replace(work.place, threads=self._need.threads))
        values = work.to_json()
        values["trial"] = with_whole_paths(work.trial, values["trial"])
        kept = {name: path.read_bytes() for name in KEPT if (path := work.folder / name).is_file()}
        own = own_files(work.trial)
        reports = actor.run.remote(values, kept, list(map(str, own)), *map(self._content, own))
        self._runs.append(_Run(work, actor, reports))

    def next(self, timeout: float | None = None) -> Event | Ended | None:
        """Wait for a report of an actor, and write the files that come with it."""
        import ray

        ready, _ = ray.wait([run.reports for run in self._runs], timeout=timeout)
        if not ready:
            return None
        [run] = [run for run in self._runs if run.reports is ready[0]]
        try:
            content, files = ray.get(next(run.reports))
        except (StopIteration, ray.exceptions.RayError) as error:
            self._runs.remove(run)
            ray.kill(run.actor)
            lines = [line for line in str(error).splitlines() if line.strip()] or ["the actor ended"]
            return Ended(run.work, "failed", f"its machine or its actor was lost: {type(error).__name__}: {lines[0]}")
        run.has_begun = True
        keep(run.work.folder, files)
        if content["event"] != "ended":
            return Event(run.work, content)
        self._runs.remove(run)
        self._release(run)
        if CHECKPOINT not in content["files"]:
            (run.work.folder / CHECKPOINT).unlink(missing_ok=True)
        return Ended(run.work, content["status"], content["reason"])

    def end(self, trial: str) -> None:
        """End the trial of this id in its actor."""
        for run in self._runs:
            if run.work.trial.id == trial:
                run.actor.end.remote(trial)

    def stop(self) -> None:
        """End all trials and actors, and leave the cluster; one that was started for this run ends."""
        if not self._is_connected:
            return
        import ray

        actors = [run.actor for run in self._runs] + [actor for _, actor in self._idle]
        self._runs.clear()
        self._idle.clear()
        self._is_connected = False
        try:
            if actors:
                ray.wait([actor.close.remote() for actor in actors], num_returns=len(actors), timeout=_PATIENCE)
            for actor in actors:
                ray.kill(actor)
        finally:
            ray.shutdown()

    def _release(self, run: _Run) -> None:
        """Keep the actor of a trial that has ended, unless a trial waits for a machine, which this actor would hold."""
        if all(other.has_begun for other in self._runs):
            self._idle.append((run.work.trial.engine, run.actor))
        else:
            run.actor.close.remote()  # the last use of the actor, after which Ray ends it

    def _actor(self, engine: str) -> Any:
        """An idle actor, rather one of the same engine; else a new one."""
        import ray

        if self._idle:
            chosen = next((pair for pair in self._idle if pair[0] == engine), self._idle[0])
            self._idle.remove(chosen)
            return chosen[1]
        variables = {name: value for name, value in os.environ.items() if name.startswith("RESNET_LAB_")}
        kind = ray.remote(RayWorker).options(
            num_cpus=self._need.threads, num_gpus=self._need.gpus, max_restarts=0, max_concurrency=3
        )
        return kind.remote(self._need.threads, variables)

    def _content(self, path: Path) -> Any:
        """Ray's reference to the content of a file, which is sent to each machine once."""
        import ray

        if path not in self._stored:
            self._stored[path] = ray.put(path.read_bytes())
        return self._stored[path]
