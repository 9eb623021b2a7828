"""Training ResNet-18 with our MXNet engine, the same images and batch as gluon_loop.py. Prints images/s as JSON."""

import json
import sys

import numpy as np

import resnet_lab as rl
from resnet_lab import engines
from resnet_lab.network.initial import initial
from resnet_lab.specs.optimizers import Sgd
from resnet_lab.training.throughput import step_times

steps, batch, size = (int(word) for word in sys.argv[1:])
graph = rl.graph("resnet18_v1", input=(3, size, size), classes=10)
model = engines.get("mxnet").build(graph, "cpu")
model.load(initial(graph, 0))
model.prepare(Sgd(momentum=0.9))
rng = np.random.default_rng(0)
images = rng.standard_normal((batch, 3, size, size)).astype(np.float32)
labels = rng.integers(0, 10, batch).astype(np.int32)
times = step_times(model, (images, labels), 0.01, seconds=3600, steps=steps)
print(json.dumps(batch / float(np.median(times))))
