"""A framework's own modules in a graph: which process and which engine can make them."""

import pytest

from resnet_lab import LabError
from resnet_lab.blocks import opaque
from resnet_lab.network.graph import Graph, Node


@pytest.fixture
def graph(monkeypatch) -> Graph:
    """A graph of one module of the engine torch, which is registered in no file."""
    factory = opaque.Factory("mine", "torch", lambda channels, scale=1: (channels, scale), ("channels", "scale"), "d1")
    monkeypatch.setitem(opaque.FACTORIES, "mine", factory)
    settings = {
        "block": "mine",
        "engine": "torch",
        "digest": "d1",
        "_home": "",
        "arguments": {"channels": 4, "stride": 2},
    }
    nodes = Node("input", "input", (), (4, 8, 8)), Node("b1", opaque.OP, ("input",), (4, 4, 4), settings, {}, None)
    return Graph(nodes)


def with_settings(graph: Graph, **changed: str) -> Graph:
    node = graph.nodes[1]
    return Graph(
        (graph.nodes[0], Node(node.name, node.op, node.inputs, node.output, {**node.attrs, **changed}, {}, None))
    )


def test_a_module_is_made_of_the_arguments_that_its_factory_takes(graph):
    assert opaque.of(graph.nodes[1]) == (4, 1)


def test_a_factory_that_is_missing_or_has_changed_is_named(graph):
    with pytest.raises(LabError, match="the code of block 'mine' has changed since the network was built"):
        opaque.of(with_settings(graph, digest="d2").nodes[1])
    with pytest.raises(LabError, match="block 'other' is not registered in this process"):
        opaque.of(with_settings(graph, block="other").nodes[1])


def test_a_factory_that_fails_is_named(monkeypatch, graph):
    monkeypatch.setitem(opaque.FACTORIES, "mine", opaque.Factory("mine", "torch", lambda: 1 / 0, (), "d1"))
    with pytest.raises(LabError, match="block 'mine' cannot be made: ZeroDivisionError"):
        opaque.of(graph.nodes[1])


def test_only_its_own_engine_runs_a_module(graph):
    opaque.check_engine(graph, "torch")
    with pytest.raises(LabError, match="'mine' .* is a module of the engine 'torch'; 'mxnet' cannot run it"):
        opaque.check_engine(graph, "mxnet")
    with pytest.raises(LabError, match="runs in float32 only"):
        opaque.check_engine(graph, "torch", "float16")
    with pytest.raises(LabError, match="cannot reach into block .*, which is a module of torch's own"):
        opaque.check_synchronised(graph)


def test_the_files_that_register_modules_are_listed_once(graph):
    assert opaque.homes(graph) == []
    assert opaque.homes(with_settings(graph, _home="a.py")) == ["a.py"]
    opaque.check_known(graph)  # a function of a module is known to other processes


def test_macs_and_depth_of_a_graph_with_a_module(graph):
    assert graph.macs is None
    assert graph.depth == 1
    assert graph.digest == with_settings(graph, _home="elsewhere.py").digest


def test_a_module_of_an_installed_package_is_found(monkeypatch, graph):
    """A worker makes modules without having looked a block up: the plug-in is loaded when its factory is missing."""
    factory = opaque.FACTORIES.pop("mine")
    monkeypatch.setattr(opaque.entry_points, "load", lambda: opaque.FACTORIES.update(mine=factory))
    assert opaque.of(graph.nodes[1]) == (4, 1)
