"""Measurements that are compared with each other: they run in turns in one process."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from resnet_lab.engines.contract import Model
from resnet_lab.network.graph import Graph
from resnet_lab.network.initial import initial
from resnet_lab.specs.optimizers import Sgd
from resnet_lab.sweeps.worker import reason
from resnet_lab.training.throughput import rates

from .job import NO_TIME, Job

Turn = Callable[[], None]
"""Does the work of one turn, and returns when the device has finished."""

RATE = 1e-4
"""The learning rate of measured steps: so low that the loss stays finite however many steps there are."""


READY = 0.7
"""The share of the time that is left in which programs are prepared: compiled, and run for the first turn."""

MARGIN = 10.0
"""Seconds before the end of the time in which no round of turns begins."""


def take_turns(
    makers: Mapping[str, Callable[[], Turn]], images: int, turns: int, until: float = math.inf
) -> dict[str, dict[str, Any]]:
    """Measure images per second, in turns.

    If the time is short, the last programs are left out and there are fewer turns, so that those that are ready have a
    figure when the stage is ended.

    Args:
        makers: for each name, a function that prepares a turn. An error there, in the first turn, which warms up and
            is not counted, or in a later turn becomes the `problem` of this name.
        images: the number of images of a turn.
        turns: the number of counted turns. Each begins with another name.
        until: the reading of `time.monotonic` at which the figures must be there.

    Returns:
        For each name `images_per_s`, the median over the turns, with its 10th and 90th percentile; or `problem`. A
        column `cudagraph_skips` says how many graphs of it torch.compile did not record as CUDA graphs, if it did not.
    """
    ready: dict[str, Turn] = {}
    results: dict[str, dict[str, Any]] = {}
    skips: dict[str, int] = {}
    last = time.monotonic() + READY * (until - time.monotonic())
    for name, make in makers.items():
        if time.monotonic() > last:
            results[name] = {"problem": NO_TIME}
            continue
        before = _cudagraph_skips()
        try:
            turn = make()
            turn()
            ready[name] = turn
            skips[name] = _cudagraph_skips() - before
        except Exception as error:
            results[name] = {"problem": reason(error)}
        if name not in ready:
            free_memory()  # outside of `except`, where the traceback still holds the arrays
    times: dict[str, list[float]] = {name: [] for name in ready}
    longest = 0.0  # seconds of a round
    for number in range(turns):
        begin = time.monotonic()
        if number and begin + longest > until - MARGIN:
            break
        names = list(ready)
        for name in names[number % max(1, len(names)) :] + names[: number % max(1, len(names))]:
            start = time.perf_counter()
            try:
                ready[name]()
            except Exception as error:
                results[name] = {"problem": reason(error)}
                del ready[name]
                continue
            times[name].append(time.perf_counter() - start)
        longest = max(longest, time.monotonic() - begin)
    for name in ready:
        results[name] = {
            column.removeprefix("_"): value for column, value in rates(times[name], images, "").items()
        } | {"turns": len(times[name])}
        if skips[name]:
            results[name]["cudagraph_skips"] = skips[name]
    return {name: results[name] for name in makers}


def _cudagraph_skips() -> int:
    """How many graphs torch.compile has not recorded as CUDA graphs in this process, which it says in its log only."""
    found = sys.modules.get("torch._dynamo.utils")
    return int(found.counters["inductor"]["cudagraph_skips"]) if found else 0


def our_model(job: Job, graph: Graph, precision: str, mode: str) -> Model:
    """A model of our engine with initial weights, ready for training."""
    model = job.engine.build(graph, job.device, precision, mode)
    model.load(initial(graph, 0))
    model.prepare(Sgd(momentum=0.9, weight_decay=1e-4))
    model.begin_epoch(0)
    return model


def compute_alone(model: Model, graph: Graph, batch: int, steps: int) -> Turn:
    """A turn of training steps on one batch that stays on the device, so that data takes no part."""
    rng = np.random.default_rng(0)
    given = rng.standard_normal((batch, *graph.input)).astype(np.float32)
    labels = rng.integers(0, graph.output[0], batch).astype(np.int32)
    [(x, y)] = model.on_device([(given, labels)])

    def turn() -> None:
        for _ in range(steps):
            model.train_step(x, y, RATE)
        model.synchronize()
        check_mode(model)

    return turn


def check_mode(model: Model) -> None:
    """Raise an error if a model does not run in its compile mode: no figure shall stand under the name of another."""
    if model.fallback is not None:
        raise RuntimeError(f"fell back to '{model.fallback.mode}': {model.fallback.reason}")


def plain_loop(job: Job, net: Any, precision: str, mode: str = "off") -> tuple[Callable[[Any, Any], Any], Turn]:
    """The training loop that a tutorial of PyTorch shows, with its fast settings.

    Channels last, autocast, a fused optimizer; with `mode`, the network is compiled by torch.compile.

    Returns:
        A function that takes one step on images and labels and returns the loss, and one that waits for the device.
    """
    import torch
    from torch.nn import functional

    kind = "cpu" if job.device == "cpu" else "cuda"
    device = torch.device(job.device.replace("gpu", "cuda"))
    torch.backends.cudnn.benchmark = True
    net = net.to(device, memory_format=torch.channels_last).train()
    network = net if mode == "off" else torch.compile(net, mode=mode, dynamic=False)
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=0.9, weight_decay=1e-4, fused=True)

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        x = x.to(device, memory_format=torch.channels_last, non_blocking=True)
        y = y.to(device, non_blocking=True)
        with torch.autocast(kind, torch.bfloat16, enabled=precision == "bfloat16"):
            loss = functional.cross_entropy(network(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss

    def synchronize() -> None:
        if kind == "cuda":
            torch.cuda.synchronize(device)

    return step, synchronize


def forget_compiled() -> None:
    """Forget what torch.compile made, so that another batch size is not compiled for any size; and free the memory."""
    import torch

    torch._dynamo.reset()
    free_memory()


def free_memory() -> None:
    """Give back the memory that a GPU holds for measurements that are over."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
