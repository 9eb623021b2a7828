"""Stage `precision`: each precision beside the CPU's float32, and in turns for speed; deterministic training twice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

import resnet_lab as rl
from resnet_lab import LabError
from resnet_lab.network.graph import Graph
from resnet_lab.training.epoch import train_epoch
from tests.conftest import random_weights

from .agreement import Arrays, difference
from .cifar import noise_feed
from .job import Job
from .turns import RATE, Turn, compute_alone, our_model, take_turns


def run(job: Job) -> None:
    """Compare the precisions; one row for each. Then train twice deterministically; one row for each compile mode."""
    _precisions(job)
    for mode in dict.fromkeys(("off", job.engine.compiling("auto", job.device)[0])):
        _deterministic(job, mode)


def _precisions(job: Job) -> None:
    """The relative difference of the outputs from the CPU's in float32, and images per second of training."""
    size, batch = job.size(8, 224), job.size(4, 64)
    graph = rl.graph(job.size("cifar_resnet20", "resnet50"), input=(3, size, size), classes=10)
    weights = random_weights(graph)
    images = np.random.default_rng(0).standard_normal((4, *graph.input)).astype(np.float32)
    wanted = _output(job, graph, weights, "cpu", "float32", images)
    rows: dict[str, dict[str, Any]] = {}
    makers: dict[str, Callable[[], Turn]] = {}
    for precision in job.engine.precisions:
        try:
            job.engine.check_precision(precision, job.device)
        except LabError as error:
            job.row(what="precision", name=precision, problem=str(error))
            continue
        got = _output(job, graph, weights, job.device, precision, images)
        rows[precision] = {"output": difference(wanted, got)}

        def make(precision: str = precision) -> Turn:
            return compute_alone(our_model(job, graph, precision, "off"), graph, batch, job.size(1, 10))

        makers[precision] = make
    results = take_turns(makers, batch * job.size(1, 10), job.size(1, 5), job.until)
    for precision, result in results.items():
        job.row(what="precision", name=precision, batch_size=batch, size=size, **rows[precision], **result)


def _output(job: Job, graph: Graph, weights: Arrays, device: str, precision: str, images: Any) -> Any:
    model = job.engine.build(graph, device, precision, "off")
    model.load(weights)
    return model.predict(images)


def _deterministic(job: Job, mode: str) -> None:
    """Whether two trainings give the same bits, with and without `deterministic`, and what it costs."""
    graph = rl.graph("cifar_resnet20", input=(3, 32, 32), classes=10)
    feed = noise_feed(job.size(4, 12_800), job.size(4, 128))

    def maker(deterministic: bool) -> Turn:
        with job.engine.deterministic() if deterministic else nullcontext():
            model = our_model(job, graph, "float32", mode)
        number = 0

        def turn() -> None:
            nonlocal number
            with job.engine.deterministic() if deterministic else nullcontext():
                train_epoch(model, feed.epoch(number), [RATE] * feed.steps, number, lambda images, loss: None)
            number += 1

        return turn

    def same(deterministic: bool) -> bool:
        weights = []
        for _ in range(2):
            with job.engine.deterministic() if deterministic else nullcontext():
                model = our_model(job, graph, "float32", mode)
                train_epoch(model, feed.epoch(0), [0.01] * feed.steps, 0, lambda images, loss: None)
                weights.append(model.weights())
        return all(np.array_equal(array, weights[1][name]) for name, array in weights[0].items())

    speeds = take_turns(
        {"deterministic": lambda: maker(True), "plain": lambda: maker(False)},
        feed.steps * feed.batch_size,
        job.size(1, 5),
        job.until,
    )
    row: dict[str, Any] = {"what": "deterministic", "name": "cifar_resnet20", "compile": mode}
    row |= {"batch_size": feed.batch_size, "same_bits": same(True), "same_bits_without": same(False)}
    own, plain = (speeds[name].get("images_per_s") for name in ("deterministic", "plain"))
    if own and plain:
        row["of_plain"] = own / plain
    job.row(**row, **speeds["deterministic"])
