"""The pre-activation bottleneck with GELU (Hendrycks and Gimpel 2016) and layer scale (Touvron et al. 2021)."""

from resnet_lab import block
from resnet_lab.ops import conv, gelu, layer_scale, norm


@block("gelu_bottleneck", expansion=4)
def gelu_bottleneck(x, channels, stride, shortcut, *, scale: float = 0.1):
    """Norm, GELU, convolution, three times; a learnt factor for each channel begins at `scale`."""
    activated = gelu(norm(x))
    y = gelu(norm(conv(activated, channels, 1)))
    y = gelu(norm(conv(y, channels, 3, stride)))
    y = layer_scale(conv(y, channels * 4, 1), scale)
    return y + shortcut(x, activated)
