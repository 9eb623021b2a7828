"""Squeeze-excite: shapes and parameters as published."""

import pytest

from resnet_lab.blocks.squeeze_excite import gated, squeeze_excite
from resnet_lab.network.graph import GraphError
from resnet_lab.network.tensor import Builder


@pytest.mark.parametrize(("layer", "biases"), [("dense", 0), ("conv", 4 + 64)])
def test_two_layers_around_the_reduction(layer, biases):
    y = squeeze_excite(Builder().input((64, 8, 8)), 16, layer)
    assert y.shape == (64, 8, 8)
    assert sum(node.trained for node in y.builder.nodes.values()) == 2 * 64 * 4 + biases
    assert y.builder.nodes["multiply1"].inputs == ("input", "se.sigmoid1")


@pytest.mark.parametrize("layer", ["dense", "conv"])
def test_a_reduction_that_leaves_no_feature_is_refused(layer):
    with pytest.raises(GraphError, match=f"se.{layer}1: "):
        squeeze_excite(Builder().input((8, 4, 4)), 16, layer)


def test_no_reduction_is_no_gate():
    x = Builder().input((8, 4, 4))
    assert gated(x, None) is x
