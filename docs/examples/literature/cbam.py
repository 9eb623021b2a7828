"""CBAM (Woo et al. 2018, arXiv 1807.06521): a gate for each channel, then a gate for each position."""

from resnet_lab import block
from resnet_lab.ops import channel_max, channel_mean, concat, conv, global_avg_pool, max_pool, norm, relu, sigmoid


@block("cbam", expansion=4)
def cbam(x, channels, stride, shortcut, *, reduction: int = 16, kernel: int = 7):
    """The bottleneck, its branch weighted channel by channel and then position by position."""
    y = relu(norm(conv(x, channels, 1)))
    y = relu(norm(conv(y, channels, 3, stride)))
    y = norm(conv(y, channels * 4, 1))
    # Mean and maximum lie side by side in a map of Cx2x1, so that the same two layers see both.
    pooled = concat(global_avg_pool(y), max_pool(y, y.shape[1:], padding=0), axis="height")
    hidden = relu(conv(pooled, y.channels // reduction, 1, bias=True))
    y = y * sigmoid(2 * global_avg_pool(conv(hidden, y.channels, 1, bias=True)))  # twice the mean: the sum of both
    y = y * sigmoid(norm(conv(concat(channel_max(y), channel_mean(y)), 1, kernel)))
    return relu(y + shortcut(x))
