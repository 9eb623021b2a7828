"""Stage `agreement`: every op, ten variants, ten training steps and an evaluation, on the device against the CPU.

All of it is computed in float32.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import resnet_lab as rl
from resnet_lab import ops
from resnet_lab.data import EvaluationBatches, Feed
from resnet_lab.engines.contract import Model
from resnet_lab.network.graph import Graph
from resnet_lab.network.initial import initial
from resnet_lab.network.tensor import Builder
from resnet_lab.specs.optimizers import Sgd
from resnet_lab.training.epoch import train_epoch
from tests.conftest import random_weights
from tests.engines.test_agreement import noise
from tests.engines.test_lowering import CASES, X

from . import augmentation, captured
from .job import Job

BOUND = 1e-4
"""The largest relative difference that counts as agreement."""

GRADIENT_BOUND = 1e-2
"""The same for the gradients of whole networks: rounding moves values near 0 across the kink of ReLU."""

VARIANTS = (
    *("cifar_resnet20", "resnet18", "resnet50", "resnet50_v1", "resnet50_v1d", "resnet50_v2"),
    *("resnext50_32x4d", "se_resnet50_v1", "cifar_resnet20_v2", "my_se_resnet18"),
)
RANDOM_OPS = ("dropout", "drop_path")
"""Ops that draw random numbers in training, which differ from device to device."""

STEPS = 10
Arrays = dict[str, NDArray[np.float32]]


def run(job: Job) -> None:
    """Compare ops, variants, losses, evaluations and augmentations; one row for each."""
    for case in CASES:
        _op(job, case)
    for name in VARIANTS[: job.size(2, len(VARIANTS))]:
        _variant(job, name, job.size(32, 64))
    nets = (("cifar_resnet20", 32), ("resnet18", 64))
    for (name, size), mode in itertools.product(nets[: job.size(1, 2)], job.compile_modes()):
        _losses(job, name, size, mode)
    for mode in job.compile_modes():
        _answers(job, mode)
    augmentation.compare(job)
    captured.run(job, noise(32, True))


def _op(job: Job, case: str) -> None:
    """One op between a convolution and a dense layer, so that the gradient goes through the op."""
    builder = Builder()
    x = ops.conv(builder.input(X.shape[1:]), X.shape[1], 1)
    function: Callable[[Any], Any] = CASES[case][0]
    graph = builder.finish(ops.dense(function(x), 10))
    rng = np.random.default_rng(0)
    weights = {
        name: (
            rng.uniform(0.5, 2, parameter.shape) if "running_var" in name else rng.normal(0, 0.5, parameter.shape)
        ).astype(np.float32)
        for name, parameter in graph.parameters.items()
    }
    is_random = case.partition(" ")[0] in RANDOM_OPS
    _compare(job, "op", case, graph, weights, (X, np.array([1, 7], np.int32)), BOUND, not is_random)


def _variant(job: Job, name: str, size: int) -> None:
    graph = rl.graph(name, input=(3, size, size), classes=10)
    rng = np.random.default_rng(0)
    batch = rng.standard_normal((4, *graph.input)).astype(np.float32), rng.integers(0, 10, 4).astype(np.int32)
    _compare(job, "variant", name, graph, random_weights(graph), batch, GRADIENT_BOUND, True)


def _compare(
    job: Job,
    what: str,
    name: str,
    graph: Graph,
    weights: Arrays,
    batch: tuple[NDArray[np.float32], NDArray[np.int32]],
    bound: float,
    backward: bool,
) -> None:
    """Record the relative differences of the outputs, and of the weights' changes by one step of SGD."""
    outputs, changes = [], []
    for device in ("cpu", job.device):
        model = job.engine.build(graph, device, compile="off")
        model.load(weights)
        outputs.append(model.predict(batch[0]))
        if backward:
            changes.append(_change(model, batch, weights))
    output = difference(*outputs)
    gradient = difference(*changes) if backward else None
    agrees = output <= BOUND and (gradient is None or gradient <= bound)
    job.row(what=what, name=name, output=output, gradient=gradient, agrees=agrees)


def _change(model: Model, batch: tuple[NDArray[np.float32], NDArray[np.int32]], before: Arrays) -> NDArray[np.float32]:
    """All changes of weights and running statistics by one step of SGD with learning rate 1."""
    model.prepare(Sgd())
    train_epoch(model, [batch], [1.0], 0, lambda images, loss: None)
    after = model.weights()
    return np.concatenate([(after[name] - before[name]).ravel() for name in before])


def difference(wanted: NDArray[np.float32], got: NDArray[np.float32]) -> float:
    """The norm of the difference over the norm of the wanted values; infinity if a value is not a finite number."""
    if not (np.isfinite(wanted).all() and np.isfinite(got).all()):
        return float("inf")
    a, b = wanted.astype(np.float64), got.astype(np.float64)
    return float(np.linalg.norm(b - a) / max(float(np.linalg.norm(a)), 1e-30))


def _losses(job: Job, name: str, size: int, mode: str) -> None:
    """Ten steps on images that the device crops and mirrors itself, against the CPU's losses."""
    graph, feed = rl.graph(name, input=(3, size, size), classes=10), noise(size, True)
    wanted, _ = _ten_losses(job, graph, feed, "cpu", "off")
    got, fallback = _ten_losses(job, graph, feed, job.device, mode)
    differences = [abs(b - a) / abs(a) for a, b in zip(wanted, got, strict=True)]
    job.row(
        **{"what": f"{STEPS} steps", "name": name, "compile": mode, "output": max(differences)},
        first=differences[0],
        fallback=fallback,
        agrees=max(differences) <= BOUND and not fallback,
    )


def _answers(job: Job, mode: str) -> None:
    """The logits of an evaluation whose last batch is smaller, of images on the device and of images from the host."""
    graph, feed = rl.graph("cifar_resnet20", input=(3, 32, 32), classes=10), noise(32, True)
    kept = EvaluationBatches(feed.split, len(feed.split) // 2 - 1, feed.mean, feed.std)
    answers: list[NDArray[np.float32]] = []
    for device, own, batches in (("cpu", "off", kept), (job.device, mode, kept), (job.device, mode, list(kept))):
        model = job.engine.build(graph, device, compile=own)
        model.load(random_weights(graph))
        answers.append(np.concatenate([logits for logits, _ in model.answers(batches)]))
    for name, got in zip(("images on the device", "images from the host"), answers[1:], strict=True):
        output = difference(answers[0], got)
        job.row(what="evaluation", name=name, compile=mode, output=output, agrees=output <= BOUND)


def _ten_losses(job: Job, graph: Graph, feed: Feed, device: str, mode: str) -> tuple[Sequence[float], str]:
    """The losses of ten steps, and why the model did not run in the compile mode; '' if it did."""
    model = job.engine.build(graph, device, compile=mode)
    model.load(initial(graph, 0, last_scale="zero"))
    model.prepare(Sgd(momentum=0.9, weight_decay=1e-4))
    losses: list[float] = []
    # The whole epoch is handed over: only then a GPU makes the batches itself.
    train_epoch(model, feed.epoch(0), [0.003] * feed.steps, 0, lambda images, loss: losses.append(loss))
    return losses[:STEPS], "" if model.fallback is None else model.fallback.reason
