"""Sums, products and learnt factors: shapes and parameters."""

import pytest

from resnet_lab.network.graph import GraphError
from resnet_lab.ops import affine, channel_mean, dense, global_avg_pool, layer_scale, subsample


def test_the_operators_are_the_ops(image):
    x = image(6, 7, 5)
    assert (x + x).node.op == "add"
    assert (x * x).node.op == "multiply"
    assert (x - x).node.op == "subtract"


@pytest.mark.parametrize(
    ("function", "factor", "offset"),
    [
        (lambda x: 0.5 * x, 0.5, 0),
        (lambda x: x * 2, 2, 0),
        (lambda x: x / 4, 0.25, 0),
        (lambda x: -x, -1, 0),
        (lambda x: x + 1, 1, 1),
        (lambda x: 1 + x, 1, 1),
        (lambda x: x - 3, 1, -3),
        (lambda x: 1 - x, -1, 1),
    ],
)
def test_an_operator_with_a_number_is_one_affine_node(image, function, factor, offset):
    x = image(6, 7, 5)
    node = function(x).node
    assert (node.op, node.inputs, node.output, node.macs) == ("affine", ("input",), x.shape, 0)
    assert node.attrs == {"factor": factor, "offset": offset}


def test_a_sum_over_tensors_adds_no_node_for_the_zero_that_it_starts_from(image):
    x = image(6, 7, 5)
    assert sum([x, x, x]).node.name == "add2"
    assert list(x.builder.nodes) == ["input", "add1", "add2"]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), "half", None, [1]])
def test_a_number_that_is_none_is_refused(image, number):
    with pytest.raises(GraphError, match="affine1: factor is .*, not a finite number"):
        image(6, 7, 5) * number


def test_tensors_of_different_shapes_have_no_difference(image):
    x = image(6, 7, 5)
    with pytest.raises(GraphError, match=r"subtract1: cannot subtract 6x7x5 \(from input\) and 6x1x1 \(from global"):
        x - global_avg_pool(x)


def test_a_gate_has_one_number_for_each_position(image):
    x = image(6, 7, 5)
    y = x * channel_mean(x)
    assert (y.shape, y.node.attrs["broadcast"]) == (x.shape, "positions")
    with pytest.raises(
        GraphError, match=r"multiply2: cannot multiply 6x7x5 \(from input\) by 1x4x3 .*: a gate has .* or 1x7x5"
    ):
        x * subsample(channel_mean(x), 2)


def test_a_gate_has_one_number_for_each_channel(image):
    x = image(6, 7, 5)
    for gate in (global_avg_pool(x), dense(x, 6)):
        y = x * gate
        assert (y.shape, y.node.attrs["broadcast"]) == (x.shape, True)
    with pytest.raises(
        GraphError, match=r"multiply3: cannot multiply 6x7x5 \(from input\) by 5 \(from dense2\): a gate has .*6 or "
    ):
        x * dense(x, 5)


def test_layer_scale_has_one_factor_for_each_channel(image):
    parameter = layer_scale(image(6, 7, 5), 0.5).node.params["scale"]
    assert (parameter.shape, parameter.value) == ((6,), 0.5)


def test_one_learnt_number_scales_a_whole_map(image):
    """As docs/blocks.md says: a gate of one channel that is 1 everywhere, times its learnt factor."""
    x = image(6, 7, 5)
    gate = layer_scale(affine(channel_mean(x), 0, 1), 0.0)
    assert gate.node.params["scale"].shape == (1,)
    assert (x * gate).shape == x.shape
