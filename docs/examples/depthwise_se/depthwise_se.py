"""A depthwise convolution between two pointwise ones (Howard et al. 2017), with squeeze-and-excitation."""

from resnet_lab import block
from resnet_lab.ops import conv, dense, global_avg_pool, norm, relu, scope, sigmoid


@block("depthwise_se")
def depthwise_se(x, channels, stride, shortcut, *, reduction: int = 4):
    """1x1, depthwise 3x3 and 1x1 convolutions; a gate weights the channels after the depthwise one."""
    y = relu(norm(conv(x, channels, 1)))
    y = relu(norm(conv(y, channels, 3, stride, groups=channels)))
    with scope(y, "se"):
        gate = relu(dense(global_avg_pool(y), channels // reduction))
        gate = sigmoid(dense(gate, channels))
    return relu(norm(conv(y * gate, channels, 1)) + shortcut(x))
