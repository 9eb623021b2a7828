"""Networks as a tutorial of PyTorch writes them, which are compared with ours."""

from __future__ import annotations

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
