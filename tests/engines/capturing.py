"""What tests of captured steps share: a network with everything that a step changes or draws, and its training."""

import math

import numpy as np

from resnet_lab import data, ops
from resnet_lab.network.tensor import Builder
from resnet_lab.training.epoch import train_epoch

RNG = np.random.default_rng(0)
BATCHES = [
    (RNG.standard_normal((8, 3, 6, 6)).astype(np.float32), RNG.integers(0, 5, 8).astype(np.int32)) for _ in range(6)
]
CONSTANT = [0.05] * 12
COSINE = [0.05 * (1 + math.cos(math.pi * step / 12)) for step in range(12)]


def residual(size=6, channels=3, classes=5):
    """Batch norm, whose statistics a step changes, group norm, dropout and stochastic depth, which draw."""
    builder = Builder()
    x = ops.relu(ops.norm(ops.conv(builder.input((channels, size, size)), 6, 3)))
    x = x + ops.drop_path(ops.dropout(ops.norm(ops.conv(x, 6, 3), "group", groups=3), 0.2), 0.3)
    return builder.finish(ops.dense(ops.global_avg_pool(ops.relu(ops.norm(x))), classes))


def trained(model, rates=CONSTANT, batches=BATCHES, smoothing=0.0):
    """Train two epochs, with an evaluation between them; returns the losses, logits, all arrays and the state."""
    losses, logits = [], []
    for epoch in range(2):
        own = rates[epoch * len(batches) :][: len(batches)]
        train_epoch(model, batches, own, epoch, lambda images, loss: losses.append(loss), smoothing)
        with model.averaged():
            logits += [model.predict(BATCHES[0][0][:count]) for count in (8, 3)]
    return {"losses": np.array(losses), "logits": np.concatenate(logits)} | model.weights() | model.optimizer_state()


def assert_equal(one, other):
    assert one.keys() == other.keys()
    assert [name for name in one if not np.array_equal(one[name], other[name])] == []


def digits(**augment):
    dataset = data.load("digits", channels=3)
    split = data.InMemory(dataset.train.images[:48], dataset.train.labels[:48])
    return data.Feed(split, 8, 3, dataset.mean, dataset.std, data.AugmentSpec(**augment), 10)


def trained_on(model, feed):
    losses = []
    for epoch in range(3):
        rates = COSINE[: feed.steps]
        train_epoch(model, feed.epoch(epoch), rates, epoch, lambda images, loss: losses.append(loss))
    return {"losses": np.array(losses)} | model.weights()
