"""Training cifar_resnet20 from CIFAR-10 in memory, cropped and flipped, and on one synthetic batch, by turns.

Words: the engine, turns, steps a turn. Prints the images/s of each turn as JSON: [[memory, synthetic], ...].
"""

import json
import sys
import time

import numpy as np

import resnet_lab as rl
from resnet_lab import data, engines
from resnet_lab.base import hardware
from resnet_lab.network.initial import initial
from resnet_lab.specs.optimizers import Sgd
from resnet_lab.training.epoch import train_epoch

name, turns, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
engine = engines.get(name)
engine.use_threads(hardware.threads())
dataset = data.load("cifar10-jpeg")
augment = data.AugmentSpec(pad_crop=4, flip=True)
feed = data.Feed(dataset.train, 128, 0, dataset.mean, dataset.std, augment)
graph = rl.graph("cifar_resnet20", input=(3, 32, 32), classes=10)
model = engine.build(graph, "cpu")
model.load(initial(graph, 0))
model.prepare(Sgd(momentum=0.9))
rng = np.random.default_rng(0)
synthetic = rng.standard_normal((128, 3, 32, 32)).astype(np.float32), rng.integers(0, 10, 128).astype(np.int32)


def speed(batches):
    """The median step's images/s."""
    marks = [time.perf_counter()]
    train_epoch(model, batches, [1e-4] * steps, 0, lambda images, loss: marks.append(time.perf_counter()))
    return 128 / float(np.median(np.diff(marks)[1:]))


class First:
    """The first steps of an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        for batch, _ in zip(feed.epoch(self.epoch), range(steps), strict=False):
            yield batch


found = []
for turn in range(turns + 1):
    if turn % 2:
        memory, other = speed(First(turn)), speed([synthetic] * steps)
    else:
        other, memory = speed([synthetic] * steps), speed(First(turn))
    found.append((memory, other))
print(json.dumps(found[1:]))
