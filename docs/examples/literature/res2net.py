"""Res2Net (Gao et al. 2019, arXiv 1904.01169): 3x3 convolutions over a part of the channels, one after another."""

from resnet_lab import block
from resnet_lab.ops import avg_pool, concat, conv, norm, relu, split


@block("res2net", expansion=4)
def res2net(x, channels, stride, shortcut, *, base_width: int = 26, scale: int = 4):
    """The bottleneck whose 3x3 convolution is split into `scale` parts; each part adds the result of the one before."""
    width, first = channels * base_width // 64, stride > 1 or x.channels != channels * 4
    *parts, last = split(relu(norm(conv(x, width * scale, 1))), scale)
    done = []
    for part in parts:
        y = part if first or not done else part + done[-1]  # the first block of a stage does not add, as in the code
        done.append(relu(norm(conv(y, width, 3, stride))))
    done.append(avg_pool(last, 3, stride, count_padding=True) if first else last)
    return relu(norm(conv(concat(*done), channels * 4, 1)) + shortcut(x))
