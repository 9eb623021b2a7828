"""The basic block with squeeze-and-excitation (Hu et al. 2018, arXiv 1709.01507): change it into your own idea."""

from resnet_lab import block
from resnet_lab.ops import conv, dense, global_avg_pool, norm, relu, sigmoid


@block("my_block")
def my_block(x, channels, stride, shortcut, *, reduction: int = 16):
    """Two 3x3 convolutions, whose result is weighted channel by channel before the sum with the shortcut."""
    y = relu(norm(conv(x, channels, 3, stride)))
    y = norm(conv(y, channels, 3))
    gate = relu(dense(global_avg_pool(y), channels // reduction))
    gate = sigmoid(dense(gate, channels))
    return relu(y * gate + shortcut(x))
