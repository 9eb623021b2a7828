"""Activations keep the shape and cost no multiply-adds."""

import inspect

import pytest

from resnet_lab.network.tensor import OPS
from resnet_lab.ops import activations


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if inspect.getmodule(op) is activations])
def test_an_activation_keeps_the_shape(image, name):
    for x in (image(3, 5, 4), OPS["dense"](image(3, 5, 4), 7)):
        y = OPS[name](x)
        assert (y.shape, y.node.op, y.node.macs) == (x.shape, name, 0)
