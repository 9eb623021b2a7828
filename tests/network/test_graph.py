"""The graph: names, sums, digests, and the way through JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_lab.network.graph import Graph, GraphError
from resnet_lab.network.tensor import Builder
from resnet_lab.ops import add, concat, conv, dense, global_avg_pool, multiply, norm, relu, scope, sigmoid


def small(order: str = "branch first", channels: int = 8) -> Graph:
    """A residual block and a head; `order` says which of the two ways is built first."""
    builder = Builder()
    x = builder.input((3, 16, 16))
    with scope(x, "block1"):
        if order == "branch first":
            y = norm(conv(x, channels, 3, 2, name="body"))
            s = conv(x, channels, 1, 2, name="way")
            z = relu(y + s)
        else:
            s = conv(x, channels, 1, 2, name="way")
            y = norm(conv(x, channels, 3, 2, name="body"))
            z = relu(s + y)
    return builder.finish(dense(global_avg_pool(z), 10))


def test_names_are_hierarchical_and_counted_in_their_scope():
    builder = Builder()
    x = builder.input((3, 8, 8))
    with scope(x, "stage1"), scope(x, "block1"):
        y = conv(conv(x, 4, 3), 4, 3)
    y = conv(y, 4, 3)
    assert list(builder.nodes) == ["input", "stage1.block1.conv1", "stage1.block1.conv2", "conv1"]


def test_params_macs_and_depth_by_hand():
    graph = small()
    assert graph.params == 8 * 3 * 9 + 8 * 2 + 8 * 3 + 10 * 8 + 10
    assert graph.macs == 8 * 8 * 8 * (3 * 9 + 3) + 80
    assert graph.depth == 2


def test_a_gate_is_not_on_the_way_that_depth_counts():
    builder = Builder()
    x = conv(builder.input((3, 8, 8)), 8, 3)
    gate = sigmoid(dense(relu(dense(global_avg_pool(x), 4)), 8))
    assert builder.finish(dense(global_avg_pool(x * gate), 10)).depth == 2


def test_the_digest_does_not_depend_on_the_order_of_description():
    assert small("branch first").digest == small("shortcut first").digest


def test_the_digest_tells_networks_apart():
    builder = Builder()
    x = builder.input((3, 16, 16))
    wider = small(channels=9)
    slower = builder.finish(dense(global_avg_pool(relu(norm(conv(x, 8, 3, 2), momentum=0.99))), 10))
    faster = Builder()
    x = faster.input((3, 16, 16))
    other = faster.finish(dense(global_avg_pool(relu(norm(conv(x, 8, 3, 2)))), 10))
    assert len({small().digest, wider.digest, slower.digest, other.digest}) == 4


def test_sharing_a_convolution_is_not_the_same_as_having_two():
    def summed(shared: bool) -> str:
        builder = Builder()
        x = builder.input((3, 8, 8))
        first = conv(x, 4, 3)
        return builder.finish(first + (first if shared else conv(x, 4, 3))).digest

    assert summed(True) != summed(False)


def test_the_representation_is_a_few_lines():
    import resnet_lab as rl

    for graph in (small(), rl.graph("cifar_resnet1202")):
        lines = repr(graph).splitlines()
        assert len(lines) <= 4
        assert max(map(len, lines)) <= 120
        assert f"{graph.params:,} parameters" in repr(graph)
    assert len(repr(rl.variant("resnet152"))) < 4000


def test_json_and_back():
    graph = small()
    again = Graph.from_json(json.loads(json.dumps(graph.to_json())))
    assert again == graph
    assert again.digest == graph.digest


def test_a_layer_that_nothing_uses_is_refused():
    builder = Builder()
    x = builder.input((3, 8, 8))
    conv(x, 4, 3)
    with pytest.raises(GraphError, match="conv1: its output 4x8x8 is never used"):
        builder.finish(relu(x))


def test_a_name_taken_twice_and_a_foreign_tensor_are_refused():
    builder, other = Builder(), Builder()
    x = builder.input((3, 8, 8))
    conv(x, 4, 3, name="a")
    with pytest.raises(GraphError, match="a: the name is taken by an earlier conv"):
        relu(x, name="a")
    with pytest.raises(GraphError, match="belongs to another network"):
        add(x, other.input((3, 8, 8)))


@pytest.mark.parametrize("joined", [add, multiply, concat])
def test_unequal_shapes_name_the_node_and_both_shapes(joined):
    builder = Builder()
    x = builder.input((4, 8, 8))
    with scope(x, "stage2"), pytest.raises(GraphError) as caught:
        joined(x, conv(x, 4, 3, 2))
    assert f"stage2.{joined.__name__}1" in str(caught.value)
    assert "4x8x8" in str(caught.value)
    assert "4x4x4" in str(caught.value)


@given(st.integers(1, 4), st.integers(1, 40), st.integers(1, 40))
def test_table_sums_agree_with_the_graph(channels, height, width):
    builder = Builder()
    x = builder.input((channels, height, width))
    graph = builder.finish(dense(global_avg_pool(relu(norm(conv(x, 4, 3, 2)))), 3))
    table = graph.table()
    assert table["params"].sum() == graph.params
    assert table["macs"].sum() == graph.macs
    assert table["output"].iloc[0] == f"4x{(height + 1) // 2}x{(width + 1) // 2}"
