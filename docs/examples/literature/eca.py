"""ECA-Net (Wang et al. 2020, arXiv 1910.03151): a gate for each channel from the means of its neighbours."""

from resnet_lab import block
from resnet_lab.ops import channel_conv, conv, global_avg_pool, norm, relu, sigmoid


@block("eca", expansion=4)
def eca(x, channels, stride, shortcut, *, kernel: int = 3):
    """The bottleneck, its branch weighted channel by channel; a gate sees `kernel` neighbouring channels."""
    y = relu(norm(conv(x, channels, 1)))
    y = relu(norm(conv(y, channels, 3, stride)))
    y = norm(conv(y, channels * 4, 1))
    return relu(y * sigmoid(channel_conv(global_avg_pool(y), kernel)) + shortcut(x))
