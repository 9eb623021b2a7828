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
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    """The basic block as a tutorial writes it; a CIFAR net pads its shortcut."""

    def __init__(self, before: int, after: int, stride: int, pad: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.extra = after - before if pad else 0
        self.down = None
        if not pad and (stride > 1 or before != after):
            self.down = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.down is not None:
            x = self.down(x)
        elif self.extra:
            x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.extra // 2, self.extra // 2))
        return functional.relu(y + x)


def plain(name: str) -> nn.Module:
    """ResNet-18 with the ImageNet stem, or the CIFAR ResNet-20."""
    pad = name == "cifar_resnet20"
    width, repeats = (16, (3, 3, 3)) if pad else (64, (2, 2, 2, 2))
    layers: list[nn.Module] = [
        nn.Conv2d(3, width, 3, 1, 1, bias=False) if pad else nn.Conv2d(3, width, 7, 2, 3, bias=False)
    ]
    layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)] + ([] if pad else [nn.MaxPool2d(3, 2, 1)])
    before = width
    for stage, repeat in enumerate(repeats):
        after = width * 2**stage
        for index in range(repeat):
            layers.append(Block(before, after, 2 if stage and index == 0 else 1, pad))
            before = after
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10))


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
