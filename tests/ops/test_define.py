"""What cannot work is refused with the name of the layer; every op is reached from `resnet_lab.ops`."""

import inspect

import pytest

from resnet_lab import ops
from resnet_lab.network.graph import GraphError
from resnet_lab.network.tensor import OPS
from resnet_lab.ops import conv, dense, drop_path, dropout, max_pool, norm, pad_channels, relu, scope, subsample


@pytest.mark.parametrize("name", OPS)
def test_every_op_is_imported_from_the_package_and_says_what_it_does(name):
    assert getattr(ops, name) is OPS[name]
    assert name in ops.__all__
    assert inspect.getdoc(OPS[name])


def test_the_op_set_of_the_design_is_there():
    convolution = {"conv", "dense", "max_pool", "avg_pool", "global_avg_pool"}
    activations = {"relu", "relu6", "gelu", "silu", "hard_swish", "sigmoid"}
    rest = {"norm", "add", "multiply", "concat", "pad_channels", "subsample", "dropout", "drop_path", "layer_scale"}
    assert set(OPS) >= convolution | activations | rest


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda x: conv(x, 4, 9, padding=0),
            r"conv1: nothing is left: kernel 9x9, stride 1 and padding 0x0 make 3x0x0 of 3x8x8",
        ),
        (lambda x: conv(x, 4, 3, 0), "conv1: kernel 3, stride 0 and dilation 1 must be at least 1"),
        (lambda x: conv(x, 4, 3, padding=-1), "conv1: padding -1 is negative"),
        (lambda x: conv(x, 4, 3, groups=2), "conv1: 2 groups do not divide 3 input and 4 output channels"),
        (lambda x: conv(x, 4 / 2, 3), r"conv1: channels is 2.0, not a whole number \(a division is written //\)"),
        (lambda x: norm(x, "group", groups=2), "norm1: 2 groups do not divide 3 channels"),
        (lambda x: norm(x, "bach"), "norm1: the kind is batch, layer or group, not 'bach'"),
        (lambda x: norm(dense(x, 4)), "norm1: needs a feature map CxHxW, got 4"),
        (lambda x: dense(x, 0), "dense1: 0 features"),
        (lambda x: pad_channels(x, 2), "pad_channels1: cannot pad 3x8x8 to 2 channels, which are fewer"),
        (lambda x: subsample(x, 0), "subsample1: stride 0 must be at least 1"),
        (lambda x: dropout(x, 1.0), "dropout1: the rate is at least 0 and below 1, not 1.0"),
        (lambda x: drop_path(x, -0.1), "drop_path1: the rate is at least 0 and below 1, not -0.1"),
        (lambda x: max_pool(x, 3, 2, padding=2), "max_pool1: padding 2x2 is more than half the kernel 3x3"),
    ],
)
def test_what_cannot_work_is_refused_with_the_layers_name(image, wrong, message):
    with pytest.raises(GraphError, match=message):
        wrong(image(3, 8, 8))


def test_a_scope_begins_the_names_inside(image):
    x = image(3, 8, 8)
    with scope(x, "se"):
        assert relu(x).node.name == "se.relu1"
    assert relu(x).node.name == "relu1"
