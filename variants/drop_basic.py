"""The basic block with stochastic depth (Huang et al. 2016, Deep Networks with Stochastic Depth, arXiv 1603.09382)."""

from resnet_lab import block
from resnet_lab.ops import conv, drop_path, norm, relu


@block("drop_basic")
def drop_basic(x, channels, stride, shortcut, *, drop: float = 0.5):
    """The basic block whose branch is left out in training, image by image, with the probability `drop`."""
    y = relu(norm(conv(x, channels, 3, stride)))
    y = norm(conv(y, channels, 3))
    return relu(drop_path(y, drop) + shortcut(x))
