"""Squeeze-and-excitation (Hu et al. 2018, arXiv 1709.01507), the worked example of a block of one's own."""

from resnet_lab import block
from resnet_lab.ops import conv, dense, global_avg_pool, norm, relu, scope, sigmoid


@block("se_basic")
def se_basic(x, channels, stride, shortcut, *, reduction: int = 16):
    """The basic block, its branch weighted channel by channel before the sum."""
    y = relu(norm(conv(x, channels, 3, stride)))
    y = norm(conv(y, channels, 3))
    with scope(y, "se"):
        gate = relu(dense(global_avg_pool(y), channels // reduction, bias=False))
        gate = sigmoid(dense(gate, channels, bias=False))
    return relu(y * gate + shortcut(x))
