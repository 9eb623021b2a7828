"""Training ResNet-18 in a plain Gluon loop with Gluon-CV's net: what we are compared with. Prints images/s as JSON."""

import json
import sys
import time

import numpy as np

sys.modules["torch"] = None  # Gluon-CV refuses torch 2 beside it
import mxnet as mx
from gluoncv.model_zoo import get_model
from mxnet import autograd, gluon

steps, batch, size = (int(word) for word in sys.argv[1:])
net = get_model("resnet18_v1", classes=10)
net.initialize(mx.init.MSRAPrelu())
net.hybridize()
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01, "momentum": 0.9})
rng = np.random.default_rng(0)
images = rng.standard_normal((batch, 3, size, size)).astype(np.float32)
labels = rng.integers(0, 10, batch).astype(np.float32)
times = []
for _ in range(steps + 3):
    start = time.perf_counter()
    x, y = mx.nd.array(images), mx.nd.array(labels)
    with autograd.record():
        loss = loss_function(net(x), y)
    loss.backward()
    trainer.step(batch)
    loss.wait_to_read()
    mx.nd.waitall()
    times.append(time.perf_counter() - start)
print(json.dumps(batch / float(np.median(times[3:]))))
