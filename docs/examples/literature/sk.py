"""SKNet (Li et al. 2019, arXiv 1903.06586): two kernel sizes, weighted for each channel and image."""

from resnet_lab import block
from resnet_lab.ops import conv, global_avg_pool, norm, relu, scope, softmax, split


@block("sk", expansion=4)
def sk(x, channels, stride, shortcut, *, groups: int = 32, base_width: int = 4, reduction: int = 16, paths: int = 2):
    """The grouped bottleneck with `paths` 3x3 convolutions side by side, of dilation 1, 2, ..., under softmax gates."""
    width = channels * base_width // 64 * groups
    y = relu(norm(conv(x, width, 1)))
    dilations = range(1, paths + 1)
    branches = [relu(norm(conv(y, width, 3, stride, groups=groups, dilation=dilation))) for dilation in dilations]
    with scope(x, "select"):
        squeezed = relu(norm(conv(global_avg_pool(sum(branches)), max(width // reduction, 32), 1)))
        gates = split(softmax(conv(squeezed, width * paths, 1), paths), paths)
    y = sum(branch * gate for branch, gate in zip(branches, gates, strict=True))
    return relu(norm(conv(y, channels * 4, 1)) + shortcut(x))
