"""The basic block and the stem of the CIFAR nets with another norm: batch, group or layer norm.

Sources: Wu and He 2018, Group Normalization, arXiv 1803.08494; Ba et al. 2016, Layer Normalization, arXiv 1607.06450.
"""

from typing import Literal

from resnet_lab import block, stem
from resnet_lab.ops import conv, norm, relu

Kind = Literal["batch", "group", "layer"]


@block("normed_basic")
def normed_basic(x, channels, stride, shortcut, *, kind: Kind = "group", groups: int = 8):
    """The basic block with a norm of the kind `kind`; group norm divides the channels into `groups` groups."""
    y = relu(norm(conv(x, channels, 3, stride), kind, groups=groups))
    y = norm(conv(y, channels, 3), kind, groups=groups)
    return relu(y + shortcut(x))


@stem("normed_cifar")
def normed_cifar(x, channels, *, kind: Kind = "group", groups: int = 8):
    """The stem of the CIFAR nets, a 3x3 convolution, with a norm of the kind `kind`."""
    return relu(norm(conv(x, channels, 3), kind, groups=groups))
