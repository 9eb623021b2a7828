"""Part of the stage `agreement`: captured steps against plain ones on the same device, and a failed capture."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from resnet_lab import ops
from resnet_lab.data import Feed
from resnet_lab.engines.contract import Model
from resnet_lab.engines.torch.compiling import WHOLE_STEP
from resnet_lab.network.graph import Graph
from resnet_lab.network.initial import initial
from resnet_lab.network.tensor import Builder
from resnet_lab.specs.optimizers import Adam, Optimizer, Sgd
from resnet_lab.training.epoch import train_epoch

from .job import Job

BOUND = 1e-2
"""The largest relative difference that counts as agreement. Rounding grows from step to step, on a GPU also between two
plain runs, but stays far below this; another rate, another batch or another dropout does not."""

EPOCHS = 2
RULES: tuple[Optimizer, ...] = (
    Sgd(momentum=0.9, nesterov=True, weight_decay=1e-4),
    Sgd(momentum=0.9, weight_decay=1e-4),
    Adam(weight_decay=1e-4),
)


def run(job: Job, feed: Feed) -> None:
    """Compare training with and without capture.

    Dropout must draw the same numbers, so that a difference larger than rounding shows a wrong random state.

    Args:
        job: the attempt.
        feed: images, which the captured step crops and mirrors itself.
    """
    graph = dropping(feed)
    modes = [mode for mode in job.compile_modes() if mode in WHOLE_STEP]
    for mode in sorted(modes, key=lambda mode: WHOLE_STEP[mode] != "off"):
        for rule in RULES if WHOLE_STEP[mode] == "off" else RULES[:1]:  # To compile a network takes long.
            own = (WHOLE_STEP[mode], WHOLE_STEP[mode], mode)
            plain, again, captured = (_trained(job, graph, feed, each, rule) for each in own)
            found = difference(plain, captured)
            fallback = "" if captured.fallback is None else captured.fallback.reason
            job.row(
                **{"what": "captured steps", "name": f"{rule.name} {rule.model_dump(exclude_defaults=True)}"},
                **{"compile": mode, "output": found, "two_plain_runs": difference(plain, again)},
                **{"fallback": fallback, "agrees": found <= BOUND and not fallback},
            )
        plain, failed = (_trained(job, graph, feed, own, RULES[0], waits=True) for own in (WHOLE_STEP[mode], mode))
        reason = "" if failed.fallback is None else failed.fallback.reason
        found = difference(plain, failed)
        job.row(
            **{"what": "failed capture", "name": "a step that waits", "compile": mode, "output": found},
            **{"fallback": reason, "agrees": found <= BOUND and bool(reason)},
        )


def dropping(feed: Feed) -> Graph:
    """A small network with batch norm and dropout."""
    builder = Builder()
    x = ops.relu(ops.norm(ops.conv(builder.input(feed.split.shape), 8, 3)))
    x = x + ops.dropout(ops.norm(ops.conv(x, 8, 3)), 0.2)
    return builder.finish(ops.dense(ops.global_avg_pool(ops.relu(x)), 10))


def difference(one: Model, other: Model) -> float:
    """The largest difference of the models' arrays, each in relation to the largest value of the array."""
    found, wanted = other.weights(), one.weights()
    return max(float(np.abs(found[name] - own).max() / max(np.abs(own).max(), 1e-30)) for name, own in wanted.items())


def _trained(job: Job, graph: Graph, feed: Feed, mode: str, rule: Optimizer, waits: bool = False) -> Model:
    """Train with a falling rate; with `waits`, each step reads its loss, which no graph can."""
    model: Any = job.engine.build(graph, job.device, compile=mode)
    if waits:
        forward = model._forward

        def reading(*arguments: Any) -> Any:
            logits, loss = forward(*arguments)
            loss.item()
            return logits, loss

        model._forward = reading
    model.load(initial(graph, 0))
    model.prepare(rule, clip_norm=1.0, ema=0.9)
    steps = EPOCHS * feed.steps
    rates = [0.01 * (1 + math.cos(math.pi * step / steps)) for step in range(steps)]
    for epoch in range(EPOCHS):
        own = rates[epoch * feed.steps :][: feed.steps]
        train_epoch(model, feed.epoch(epoch), own, epoch, lambda images, loss: None)
        model.predict(np.zeros((2, *graph.input), np.float32))
    return model
