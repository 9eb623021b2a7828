"""What the tests of blocks share: one block, applied alone."""

from resnet_lab.blocks.registry import BLOCKS
from resnet_lab.blocks.shortcuts import Shortcut
from resnet_lab.network.tensor import Builder, Tensor


def apply(name: str, channels: int, stride: int = 1, kind: str = "projection", shape=(64, 56, 56), **options) -> Tensor:
    entry = BLOCKS.get(name)
    x = Builder().input(shape)
    return entry(x, channels, stride, Shortcut(channels * entry.expansion, stride, kind), **entry.check(options))
