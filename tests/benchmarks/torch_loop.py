"""Training in a plain PyTorch loop, or with our torch engine, on the same images. Prints images/s as JSON.

Words: `plain` or `ours`, the net (`resnet18` or `cifar_resnet20`), steps, batch, size.
"""

import json
import sys
import time

import numpy as np

import resnet_lab as rl
from resnet_lab import engines
from resnet_lab.base import hardware
from resnet_lab.network.initial import initial
from resnet_lab.specs.optimizers import Sgd
from resnet_lab.training.throughput import step_times

engines.get("torch").use_threads(hardware.threads())
import torch
from plain_torch import plain  # beside this script, whose folder is on the path
from torch.nn import functional

how, name = sys.argv[1:3]
steps, batch, size = (int(word) for word in sys.argv[3:])
rng = np.random.default_rng(0)
images = rng.standard_normal((batch, 3, size, size)).astype(np.float32)
labels = rng.integers(0, 10, batch).astype(np.int32)
if how == "ours":
    graph = rl.graph(name, input=(3, size, size), classes=10)
    model = engines.get("torch").build(graph, "cpu")
    model.load(initial(graph, 0))
    model.prepare(Sgd(momentum=0.9))
    times = step_times(model, (images, labels), 0.01, seconds=3600, steps=steps)
else:
    net = plain(name)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    times = []
    for _ in range(steps + 3):
        start = time.perf_counter()
        x, y = torch.from_numpy(images), torch.from_numpy(labels).long()
        optimizer.zero_grad()
        loss = functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        loss.item()
        times.append(time.perf_counter() - start)
    times = times[3:]
print(json.dumps(batch / float(np.median(times))))
