"""Activations keep the shape and cost no multiply-adds."""

import inspect

import pytest

from resnet_lab.network.tensor import OPS
from resnet_lab.ops import activations, dense, prelu


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if inspect.getmodule(op) is activations])
def test_an_activation_keeps_the_shape(image, name):
    for x in (image(3, 5, 4), OPS["dense"](image(3, 5, 4), 7)):
        y = OPS[name](x)
        assert (y.shape, y.node.op, y.node.macs) == (x.shape, name, 0)


def test_prelu_has_one_slope_for_each_channel(image):
    for x in (image(3, 5, 4), dense(image(3, 5, 4), 3)):
        slope = prelu(x).node.params["slope"]
        assert (slope.shape, slope.value, slope.fan, slope.trained) == ((3,), 0.25, None, True)
