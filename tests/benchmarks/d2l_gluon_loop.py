"""Trains Dive into Deep Learning's ResNet-18 as the book does, in a plain Gluon loop: what our runs are compared with.

    python -m tests.benchmarks.d2l_gluon_loop FILE.csv --size 28 --limit 12000 --epochs 5 --seeds 0 1 2

It trains on the images that `data.limit` draws for the same seed, normalised as our runs normalise them, and shuffles
them with its own random numbers. FILE.csv gets one row for each seed and epoch.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, init
from mxnet.gluon import nn

from resnet_lab import data

BATCH, RATE = 256, 0.05


class Residual(nn.HybridBlock):
    """The book's residual block: two 3x3 convolutions with norms, and a 1x1 convolution on the shortcut."""

    def __init__(self, channels: int, use_1x1: bool = False, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(channels, kernel_size=3, padding=1, strides=stride)
        self.conv2 = nn.Conv2D(channels, kernel_size=3, padding=1)
        self.conv3 = nn.Conv2D(channels, kernel_size=1, strides=stride) if use_1x1 else None
        self.bn1, self.bn2 = nn.BatchNorm(), nn.BatchNorm()

    def hybrid_forward(self, F, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (self.conv3(x) if self.conv3 else x))


def network() -> nn.HybridSequential:
    """The book's ResNet-18."""
    net = nn.HybridSequential()
    net.add(nn.Conv2D(64, kernel_size=7, strides=2, padding=3), nn.BatchNorm(), nn.Activation("relu"))
    net.add(nn.MaxPool2D(pool_size=3, strides=2, padding=1))
    for stage, channels in enumerate((64, 128, 256, 512)):
        first = Residual(channels, use_1x1=True, stride=2) if stage else Residual(channels)
        net.add(first, Residual(channels))
    net.add(nn.GlobalAvgPool2D(), nn.Dense(10))
    return net


def arrays(part: data.InMemory, mean: tuple[float, ...], std: tuple[float, ...]) -> gluon.data.ArrayDataset:
    images = (part.images.astype(np.float32) / 255 - np.float32(mean[0])) / np.float32(std[0])
    return gluon.data.ArrayDataset(images, part.labels.astype(np.float32))


def accuracy(net: nn.HybridSequential, loader: gluon.data.DataLoader) -> float:
    metric = mx.metric.Accuracy()
    for x, y in loader:
        metric.update(y, net(x))
    return float(metric.get()[1])


def train(seed: int, size: int, limit: int | None, epochs: int) -> list[dict[str, float]]:
    """Train with one seed; one row for each epoch."""
    mx.random.seed(seed)
    np.random.seed(seed)  # gluon's shuffling draws from NumPy's global generator
    images = data.load("fashion_mnist", size=size, limit=limit, seed=seed)
    parts = [arrays(part, images.mean, images.std) for part in (images.train, images.test)]
    shuffled = gluon.data.DataLoader(parts[0], BATCH, shuffle=True, last_batch="discard")
    tested = gluon.data.DataLoader(parts[1], BATCH)
    net = network()
    net.initialize(init.Xavier())
    net.hybridize()
    cross_entropy = gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": RATE})
    rows = []
    for epoch in range(1, epochs + 1):
        start, losses, metric = time.perf_counter(), [], mx.metric.Accuracy()
        for x, y in shuffled:
            with autograd.record():
                output = net(x)
                loss = cross_entropy(output, y)
            loss.backward()
            trainer.step(len(x))
            losses.append(loss.mean().asscalar())
            metric.update(y, output)
        seconds = time.perf_counter() - start
        rows.append(
            {
                "seed": seed,
                "epoch": epoch,
                "train_loss": float(np.mean(losses)),
                "train_accuracy": float(metric.get()[1]),
                "test_accuracy": accuracy(net, tested),
                "seconds": seconds,
            }
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("file", type=Path)
    words.add_argument("--size", type=int, default=96)
    words.add_argument("--limit", type=int)
    words.add_argument("--epochs", type=int, default=10)
    words.add_argument("--seeds", type=int, nargs="+", default=[0])
    asked = words.parse_args()
    with asked.file.open("w", newline="", encoding="utf-8") as file:
        writer = None
        for seed in asked.seeds:
            for row in train(seed, asked.size, asked.limit, asked.epochs):
                writer = writer or csv.DictWriter(file, row)
                if file.tell() == 0:
                    writer.writeheader()
                writer.writerow({name: f"{value:.6g}" for name, value in row.items()})
            file.flush()


if __name__ == "__main__":
    main()
