"""Replicas as one network: its shapes, costs and names, its weights, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab.blocks.opaque import OP
from resnet_lab.network.graph import GraphError
from resnet_lab.network.initial import initial
from resnet_lab.network.replicas import RULES, replicate
from resnet_lab.network.tensor import OPS, Builder
from resnet_lab.ops import conv, dense, norm, relu
from resnet_lab.ops.shapes import PART
from resnet_lab.weights.finetune import frozen


@pytest.mark.parametrize("name", [*OPS, PART, OP])
def test_every_op_has_a_rule(name):
    assert name in RULES


@pytest.mark.parametrize("name", ["cifar_resnet20", "cifar_se_resnet20", "cifar_resnet20_layer", "resnet50_v2"])
@pytest.mark.parametrize("count", [1, 3])
def test_replicas_cost_as_much_as_single_networks(name, count):
    graph = rl.graph(name, input=(3, 32, 32), classes=10)
    stacked = replicate(graph, count).graph
    assert stacked.input == (3 * count, 32, 32)
    assert stacked.output == (10 * count, 1, 1)
    assert (stacked.params, stacked.macs) == (count * graph.params, count * graph.macs)
    assert stacked.depth == graph.depth


def test_layers_keep_their_names_and_groups_multiply():
    graph = rl.graph("cifar_resnext29_32x4d", classes=10)
    stacked = {node.name: node for node in replicate(graph, 4).graph.nodes}
    assert all(node.name in stacked for node in graph.nodes)
    assert stacked["stage1.block1.conv2"].attrs["groups"] == 4 * 32
    assert stacked["stage1.block1.conv2"].params["weight"].shape == (4 * 128, 4, 3, 3)


@pytest.mark.parametrize("name", ["cifar_se_resnet20", "cifar_resnet20_layer"])
def test_weights_are_stacked_and_divided_without_a_change(name):
    graph = rl.graph(name, classes=10)
    replicas = replicate(graph, 3)
    weights = [initial(graph, seed) for seed in range(3)]
    stacked = replicas.stack(weights)
    assert {name: array.shape for name, array in stacked.items()} == {
        name: parameter.shape for name, parameter in replicas.graph.parameters.items()
    }
    for own, back in zip(weights, replicas.unstack(stacked), strict=True):
        assert back.keys() == own.keys()
        assert all(np.array_equal(back[name], own[name]) for name in own)


def test_an_op_that_mixes_channels_has_a_layer_for_each_replica():
    builder = Builder()
    graph = builder.finish(dense(relu(norm(conv(builder.input((3, 8, 8)), 4, 3), "layer")), 10))
    names = replicate(graph, 2).graph.parameters
    assert [name for name in names if name.startswith("norm1")] == [
        "norm1.replica1.scale",
        "norm1.replica1.bias",
        "norm1.replica2.scale",
        "norm1.replica2.bias",
    ]


@pytest.mark.parametrize("name", ["cifar_se_resnet20", "cifar_resnet20_layer"])
def test_what_is_frozen_stays_frozen_and_fans_are_those_of_one_replica(name):
    graph = frozen(rl.graph(name, classes=10), ["stage1", "head"])
    replicas = replicate(graph, 2)
    nodes = {node.name: node for node in replicas.graph.nodes}
    for node in graph.nodes:
        twin = nodes.get(f"{node.name}.replica1", nodes[node.name])
        for key, parameter in node.params.items():
            assert replace(twin.params[key], shape=parameter.shape) == parameter
        if node.op == "norm":
            assert twin.attrs.get("frozen") == node.attrs.get("frozen")


def test_an_op_without_a_rule_is_refused_with_the_name_of_its_layer(monkeypatch):
    monkeypatch.delitem(RULES, "relu")
    with pytest.raises(GraphError, match=r"stem.relu1: the op 'relu' has no rule for several replicas in one network"):
        replicate(rl.graph("cifar_resnet20"), 2)


def test_a_module_of_a_framework_is_refused_by_its_block():
    builder = Builder()
    x = builder.input((3, 8, 8))
    attrs = {"block": "my_module", "engine": "torch"}
    graph = builder.finish(builder.emit(OP, (x,), output=(3, 8, 8), attrs=attrs))
    with pytest.raises(GraphError, match="opaque1: block 'my_module' is a module of torch's own"):
        replicate(graph, 2)


def test_no_replica_is_no_network():
    with pytest.raises(ValueError, match="0 replicas"):
        replicate(rl.graph("cifar_resnet20"), 0)
