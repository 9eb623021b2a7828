"""The ops that blocks and stems are written with; each is defined in the file of its subject."""

from .activations import gelu, hard_swish, prelu, relu, relu6, sigmoid, silu, tanh
from .arithmetic import add, affine, layer_scale, multiply, subtract
from .channels import channel_conv, channel_max, channel_mean, softmax
from .convolution import conv
from .define import op, scope
from .linear import dense
from .norms import norm
from .pooling import avg_pool, global_avg_pool, max_pool
from .regularisation import drop_path, dropout
from .shapes import concat, pad_channels, split, subsample

__all__ = [
    "add",
    "affine",
    "avg_pool",
    "channel_conv",
    "channel_max",
    "channel_mean",
    "concat",
    "conv",
    "dense",
    "drop_path",
    "dropout",
    "gelu",
    "global_avg_pool",
    "hard_swish",
    "layer_scale",
    "max_pool",
    "multiply",
    "norm",
    "op",
    "pad_channels",
    "prelu",
    "relu",
    "relu6",
    "scope",
    "sigmoid",
    "silu",
    "softmax",
    "split",
    "subsample",
    "subtract",
    "tanh",
]
