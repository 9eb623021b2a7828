"""Two paths with kernels of different sizes, concatenated (as in Szegedy et al. 2015, GoogLeNet)."""

from resnet_lab import block
from resnet_lab.ops import concat, conv, norm, relu


@block("two_kernels")
def two_kernels(x, channels, stride, shortcut, *, kernel: int = 5):
    """Half of the channels see a 3x3 window, the other half a larger one; then a 3x3 convolution."""
    small = conv(x, channels // 2, 3, stride)
    large = conv(x, channels - channels // 2, kernel, stride)
    y = relu(norm(concat(small, large)))
    return relu(norm(conv(y, channels, 3)) + shortcut(x))
