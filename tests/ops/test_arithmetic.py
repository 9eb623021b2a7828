"""Sums, products and learnt factors: shapes and parameters."""

import pytest

from resnet_lab.network.graph import GraphError
from resnet_lab.ops import dense, global_avg_pool, layer_scale


def test_the_operators_are_the_ops(image):
    x = image(6, 7, 5)
    assert (x + x).node.op == "add"
    assert (x * x).node.op == "multiply"


def test_a_gate_has_one_number_for_each_channel(image):
    x = image(6, 7, 5)
    for gate in (global_avg_pool(x), dense(x, 6)):
        y = x * gate
        assert (y.shape, y.node.attrs["broadcast"]) == (x.shape, True)
    with pytest.raises(GraphError, match=r"multiply3: cannot multiply 6x7x5 \(from input\) by 5 \(from dense2\)"):
        x * dense(x, 5)


def test_layer_scale_has_one_factor_for_each_channel(image):
    parameter = layer_scale(image(6, 7, 5), 0.5).node.params["scale"]
    assert (parameter.shape, parameter.value) == ((6,), 0.5)
