"""Matching by structure alone; test_match.py covers names, shortcuts and sorted files."""

import numpy as np
import pytest

import resnet_lab as rl
from resnet_lab.weights.structure import by_structure, difference
from tests.conftest import random_weights


def renamed(graph, arrays):
    """The arrays by names that no library gives: l0.weight, l1.gamma, ..."""
    nodes = [node for node in graph.nodes if node.params]
    suffix = {"scale": "gamma", "running_mean": "moving_mean", "running_var": "moving_var"}
    return {
        f"l{index}.{suffix.get(key, key)}": arrays[f"{node.name}.{key}"]
        for index, node in enumerate(nodes)
        for key in node.params
    }


@pytest.mark.parametrize("name", ["cifar_resnet20", "resnet18", "resnet18_v2"])
def test_unknown_names_in_the_networks_order(name):
    graph = rl.graph(name)
    arrays = random_weights(graph)
    theirs = renamed(graph, arrays)
    paired = by_structure(graph, theirs)
    assert paired is not None
    assert all(np.array_equal(theirs[paired[own]], arrays[own]) for own in arrays)
    assert difference(graph, theirs) == []


def test_another_depth_is_no_match_and_the_layers_are_counted():
    graph, deeper = rl.graph("cifar_resnet20"), rl.graph("cifar_resnet32")
    theirs = renamed(deeper, random_weights(deeper))
    assert by_structure(graph, theirs) is None
    faults = difference(graph, theirs)
    assert "the file has 31 convolution layers, the network 19" in faults
    assert "the file has 31 norm layers, the network 19" in faults
