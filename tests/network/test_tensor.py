"""Tensors and the builder: operators, scopes and names."""

import pytest

from resnet_lab.network.graph import GraphError
from resnet_lab.network.tensor import Builder, UnusedError
from resnet_lab.ops import conv, relu


def test_a_tensor_shows_its_layer_and_shape():
    x = conv(Builder().input((3, 8, 8)), 4, 3, 2)
    assert repr(x) == "Tensor(conv1, 4x4x4)"
    assert (x.shape, x.channels) == ((4, 4, 4), 4)


@pytest.mark.parametrize("shape", [(3, 8), (3, 0, 8), (1, 3, 8, 8)])
def test_an_input_has_three_extents(shape):
    with pytest.raises(GraphError, match="an input is CxHxW with every extent at least 1, not "):
        Builder().input(shape)


def test_names_count_up_in_each_scope():
    builder = Builder()
    x = builder.input((3, 8, 8))
    with builder.scope("a"), builder.scope("b"):
        assert builder.prefix == "a.b."
        assert builder.next_name("relu") == "a.b.relu1"
        relu(x)
        assert builder.next_name("relu") == "a.b.relu2"
    assert builder.next_name("relu") == "relu1"
    assert builder.next_name("relu", "gate") == "gate"


def test_layers_without_weights_that_nothing_uses_are_left_out():
    builder = Builder()
    x = builder.input((3, 8, 8))
    relu(x)
    assert [node.name for node in builder.finish(relu(x)).nodes] == ["input", "relu2"]


def test_a_layer_with_weights_that_nothing_uses_is_refused():
    builder = Builder()
    x = builder.input((3, 8, 8))
    conv(x, 4, 3, name="lost")
    with pytest.raises(UnusedError) as caught:
        builder.finish(relu(x))
    assert caught.value.node == "lost"
